{#
    A view names the relations of its own database without it: they are found where the view is, so that the published
    file can be renamed, and attached under any name.
#}
{% macro duckdb__create_view_as(relation, sql) -%}
    {{ dbt.duckdb__create_view_as(relation, sql | replace('"' ~ relation.database ~ '".', '')) }}
{%- endmacro %}
