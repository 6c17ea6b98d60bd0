with champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

move_values as (
    select
        campaign,
        unnest(dependence, recursive := true),
    from champions
)

select * from move_values
