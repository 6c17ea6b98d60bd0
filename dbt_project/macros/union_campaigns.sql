{# All campaigns' models of one kind (model, scores, segmenter, segments) as one relation. #}
{% macro union_campaigns(kind, campaigns=none) -%}
    {%- for campaign in built_here(campaigns or var('campaigns')) %}
    select * from {{ ref(campaign ~ '_' ~ kind) }}
    {%- if not loop.last %}
    union all {{ 'by name' if target.type == 'duckdb' }}
    {%- endif -%}
    {%- endfor %}
{%- endmacro %}

{# Of campaigns, sources or base models those that the target builds: on Spark a few. #}
{% macro built_here(names) -%}
    {%- set found = [] -%}
    {%- for name in names -%}
        {%- set source = name.removeprefix('base_').split('__')[0] -%}
        {%- if target.type == 'duckdb' or source in var('spark_campaigns') -%}
            {%- do found.append(name) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}
