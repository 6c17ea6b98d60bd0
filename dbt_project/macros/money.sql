{# An amount of money, as every public table has it. What is no number, such as a mean of no rows, is no amount. #}
{% macro money(amount) -%}
    try_cast({{ amount }} as decimal(18, 4))
{%- endmacro %}
