{# The same sum in every order: of doubles the last digits depend on which thread comes first. To 1e-12. #}
{% macro exact_sum(value) -%}
    sum(cast({{ value }} as decimal(38, 12)))
{%- endmacro %}
