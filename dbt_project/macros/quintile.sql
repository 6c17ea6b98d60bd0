{#
    Quintile of a row among those of the same `within`, ordered from worst to best: 1 =
    worst, 5 = best. Equal rows share one, that of the first of them.
#}
{% macro quintile(order, within) -%}
    1 + cast(floor(
        5 * (rank() over (partition by {{ within }} order by {{ order }}) - 1)
        / count(*) over (partition by {{ within }})
    ) as integer)
{%- endmacro %}
