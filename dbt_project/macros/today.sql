{# The moment of the build, or the beginning of the day that var today names: audiences are chosen as of it. #}
{% macro selection_time() -%}
    {%- if var('today') and not modules.re.fullmatch('[0-9]{4}-[0-9]{2}-[0-9]{2}', var('today') | string) -%}
        {{ exceptions.raise_compiler_error("Variable today is '" ~ var('today') ~ "'; write a day as 2026-11-22, or leave it empty.") }}
    {%- endif -%}
    cast('{{ var("today") or run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
{%- endmacro %}

{# Its Monday: audiences are chosen week by week. #}
{% macro this_week() -%}
    cast(date_trunc('week', {{ selection_time() }}) as date)
{%- endmacro %}
