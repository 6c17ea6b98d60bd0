{# A double as people write it: whole numbers without a fraction. #}
{% macro number_as_text(number) -%}
    regexp_replace(cast({{ number }} as varchar), '[.]0$', '')
{%- endmacro %}
