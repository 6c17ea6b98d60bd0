{% set marts = [] %}
{% for mart in all_marts('scores') %}
    {% set meta = mart.declaration %}
    {% if meta.label and meta.as_of and not meta.variant_of %}
        {% do marts.append(mart) %}
    {% endif %}
{% endfor %}

{% for mart in marts %}
{% set meta = mart.declaration %}
select
    '{{ mart.campaign }}' as campaign,
    cast({{ meta.entity }} as varchar) as entity_id,
    cast({{ meta.as_of }} as date) as as_of,
    cast({{ meta.as_of }} as date)
    < {% if source_kind(meta.source) == 'own' -%}
        cast({{ selection_time() }} as date)
    {%- else -%}
        {#- default input does not age: its newest day counts as today -#}
        (
            select max(cast({{ meta.as_of }} as date))
            from {{ mart.relation }}
        )
    {%- endif %} - {{ meta.candidates_within or 14 }} as is_old,
    cast({{ meta.as_of }} as date) < max(cast({{ meta.as_of }} as date)) over (
        partition by {{ meta.group_by or meta.entity }}
    ) as has_newer_row,
from {{ mart.relation }}
where {{ meta.label }} is null
{{ 'union all' if not loop.last }}
{% else %}
select
    cast(null as varchar) as campaign,
    cast(null as varchar) as entity_id,
    cast(null as date) as as_of,
    cast(null as boolean) as is_old,
    cast(null as boolean) as has_newer_row,
where false
{% endfor %}
