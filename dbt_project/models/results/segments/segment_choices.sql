with segmenters as (
    select * from {{ ref('segmenters') }}
),

choices as (
    select
        campaign,
        unnest(choices, recursive := true),
    from segmenters
)

select * from choices
