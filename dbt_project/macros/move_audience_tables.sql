{#
    on-run-start: moves the audience tables of a warehouse of the last release from schema campaigns to results.
    audience_terms is a record, so its rows must survive, and the old names must read the new tables at once:
    a build of a few models would not make the views. Goes with those views.
#}
{% macro move_audience_tables() -%}
    {%- if is_build() -%}
        {%- for name in ['policy_choices', 'audience_evidence', 'audience_terms'] -%}
            {%- set old = load_relation(api.Relation.create(target.database, 'campaigns', name)) -%}
            {%- if old and old.is_table -%}
                {%- set new = api.Relation.create(target.database, 'results', name, type='table') -%}
                {%- if not load_relation(new) -%}
                    {%- do adapter.create_schema(new) -%}
                    {%- do run_query('create table ' ~ new ~ ' as from ' ~ old) -%}
                    {%- do adapter.cache_added(new) -%}
                {%- endif -%}
                {%- do adapter.drop_relation(old) -%}
                {%- set view = old.incorporate(type='view') -%}
                {%- do run_query('create view ' ~ view ~ ' as from ' ~ new) -%}
                {%- do adapter.cache_added(view) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
