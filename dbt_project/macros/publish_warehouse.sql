{#
    After a run without an error: the working database becomes the warehouse that
    people query, by one atomic rename. A failed run publishes nothing.
#}
{% macro publish_warehouse(results) -%}
    {%- if execute and flags.WHICH in ['build', 'run'] -%}
        {%- set broken = results
            | selectattr('status', 'in', ['error', 'fail', 'runtime error', 'skipped'])
            | list -%}
        {%- if results and not broken -%}
            select publish_warehouse()
        {%- elif broken -%}
            {{ log("Not published: the warehouse still holds the last good build.", info=true) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
