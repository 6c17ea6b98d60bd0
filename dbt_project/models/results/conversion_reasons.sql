{{ config(materialized='view') }}

with reasons as (
    {{ union_campaigns('reasons') }}
)

select * from reasons
