-- a view, so that it is whole in a build of one campaign too
{{ config(materialized='view' if target.type == 'duckdb' else 'table') }}

with base_rows as (
    {% for table in raw_tables() %}
    select
        '{{ table.split('__')[0] }}' as source,
        file_name,
        row_number,
        row_status,
        reject_reason as reason,
        raw_text,
    from {{ ref('base_' ~ table) }}
    where reject_reason is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from base_rows
