with champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

moved as (
    select
        campaign,
        unnest(dependence, recursive := true),
    from champions
)

select * from moved
