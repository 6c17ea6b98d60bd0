{{ config(materialized='view') }}

with reasons as (
    {{ union_campaigns('reasons') }}
),

listed as (
    select * exclude (row_hash) from reasons
)

select * from listed
