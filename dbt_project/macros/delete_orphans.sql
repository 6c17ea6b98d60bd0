{#
    Post-hook of campaigns' models, which are added to, not made anew. Scores go whose row the mart has no
    longer, and reasons of a score that is no more. Of model and segmenter versions the newest
    `kept_versions` stay, and the champion in service, the best so far or one named by hand, however old.
#}
{% macro delete_orphans() -%}
    {%- if execute and model.name.endswith('_scores') and target.type == 'duckdb' -%}
        {%- set meta = model.config.meta -%}
        {%- set mart = (meta.variant_of or meta.campaign) ~ '_features' -%}
        delete from {{ this }} as scores
        where not exists (
            select 1 from {{ ref(mart) }} as features
            where cast(features."{{ meta.entity }}" as varchar) = scores.entity_id
        )
    {%- elif execute and model.name.endswith('_reasons') and target.type == 'duckdb' -%}
        {%- set scores = model.name | replace('_reasons', '_scores') -%}
        delete from {{ this }} as reasons
        where not exists (
            select 1 from {{ ref(scores) }} as scores
            where scores.entity_id = reasons.entity_id and scores.row_hash = reasons.row_hash
        )
    {%- elif execute and model.config.unique_key in ['model_version', 'segmenter_version'] -%}
        {%- set version = model.config.unique_key -%}
        {{ prune_versions(version) if target.type == 'duckdb' }}
    {%- endif -%}
{%- endmacro %}

{% macro prune_versions(version) -%}
    delete from {{ this }}
    where {{ version }} not in (
        select {{ version }} from {{ this }}
        order by trained_at desc
        limit {{ var('kept_versions') }}
    )
    {%- if version == 'model_version' %}
    and not list_contains(string_split('{{ var("champion") | replace(",", " ") }}', ' '), {{ version }})
    {%- for named in ['champion_version', 'best_version'] %}
    and {{ version }} is distinct from (
        select {{ named }} from {{ this }}
        order by trained_at desc
        limit 1
    )
    {%- endfor %}
    {%- endif %}
{%- endmacro %}
