{# Whether a refused model serves once a person has named its strongest columns (python_models/conversion/leakage). #}
{% macro needs_decision(reason) -%}
    coalesce({{ reason }} like 'Needs a decision:%', false)
{%- endmacro %}
