{#
    The form in which sources, channels and customer ids of the seeds about people are compared: lower case,
    without blanks and invisible characters around it. `request_checks.match_key` is the same for exports.
#}
{% macro match_key(value) -%}
    lower(regexp_replace({{ value }}, '^[\p{Z}\p{C}]+|[\p{Z}\p{C}]+$', '', 'g'))
{%- endmacro %}
