with segmenters as (
    select * from {{ ref('segmenters') }}
),

steps as (
    select
        campaign,
        unnest(steps, recursive := true),
        generate_subscripts(steps, 1) as step,
    from segmenters
),

number_rows as (
    select
        campaign,
        cast(step as integer) as step,
        feature,
        weight,
        action,
        measured,
        detail,
    from steps
)

select * from number_rows
