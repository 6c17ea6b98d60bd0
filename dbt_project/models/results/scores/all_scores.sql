{{ config(materialized='view') }}

with scores as (
    {{ union_campaigns('scores') }}
),

list_rows as (
    select * exclude (row_hash, fold_probability) from scores
)

select * from list_rows
