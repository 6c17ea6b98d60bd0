with newest as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

add_verdicts as (
    select
        campaign,
        unnest(relevance, recursive := true),
    from newest
)

select * from add_verdicts
