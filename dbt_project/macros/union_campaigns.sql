{# All campaigns' models of one kind (model, scores, segmenter, segments) as one relation. #}
{% macro union_campaigns(kind, campaigns=none) -%}
    {%- for campaign in campaigns or var('campaigns') %}
    select * from {{ ref(campaign ~ '_' ~ kind) }}
    {%- if not loop.last %}
    union all by name
    {%- endif -%}
    {%- endfor %}
{%- endmacro %}
