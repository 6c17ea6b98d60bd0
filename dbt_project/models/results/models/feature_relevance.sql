with newest as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

judged as (
    select
        campaign,
        unnest(relevance, recursive := true),
    from newest
)

select * from judged
