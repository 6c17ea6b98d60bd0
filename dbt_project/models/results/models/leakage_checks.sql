with newest as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

checks as (
    select
        campaign,
        unnest(leakage, recursive := true),
    from newest
)

select * from checks
