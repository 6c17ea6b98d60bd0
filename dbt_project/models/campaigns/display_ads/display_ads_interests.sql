-- a view: a table of ten rows per device costs more than to list them twice
{{ config(materialized='view') }}

with devices as (
    select * from {{ ref('stg_display_ads__devices') }}
),

{{ listed_interests() }}

select * from interests
