{#
    Post-hook of campaigns' models: scores and reasons are added to, not made anew. Scores go whose row the
    mart has no longer, and reasons of a score that is no more.
#}
{% macro drop_what_is_gone() -%}
    {%- if execute and model.name.endswith('_scores') and target.type == 'duckdb' -%}
        {%- set meta = model.config.meta -%}
        {%- set mart = (meta.variant_of or meta.campaign) ~ '_features' -%}
        delete from {{ this }} as scores
        where not exists (
            select 1 from {{ this.incorporate(path={'identifier': mart}) }} as features
            where cast(features."{{ meta.entity }}" as varchar) = scores.entity_id
        )
    {%- elif execute and model.name.endswith('_reasons') and target.type == 'duckdb' -%}
        {%- set scores = model.name | replace('_reasons', '_scores') -%}
        delete from {{ this }} as reasons
        where not exists (
            select 1 from {{ this.incorporate(path={'identifier': scores}) }} as scores
            where scores.entity_id = reasons.entity_id and scores.row_hash = reasons.row_hash
        )
    {%- endif -%}
{%- endmacro %}
