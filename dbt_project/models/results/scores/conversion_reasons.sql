{{ config(materialized='view') }}

with reasons as (
    {{ union_campaigns('reasons') }}
),

list_rows as (
    select * exclude (row_hash) from reasons
)

select * from list_rows
