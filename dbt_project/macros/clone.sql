{#
    `dbt clone` copies tables: a view of another one would be no base for incremental models. dbt commits no clone by
    itself, so the copy is committed before dbt's statement.
#}
{% macro duckdb__can_clone_table() %}{{ return(true) }}{% endmacro %}
{% macro duckdb__create_or_replace_clone(this_relation, defer_relation) %}
    {%- call statement('copy') -%}create or replace table {{ this_relation }} as from {{ defer_relation }}{%- endcall -%}
    {%- do adapter.commit() -%}
    select count(*) as row_count from {{ this_relation }}
{% endmacro %}
