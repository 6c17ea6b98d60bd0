{{ config(materialized='view') }}

with scores as (
    {{ union_campaigns('scores') }}
),

listed as (
    select * exclude (row_hash) from scores
)

select * from listed
