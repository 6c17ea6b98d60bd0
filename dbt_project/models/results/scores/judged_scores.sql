with scores as (
    select * from {{ ref('all_scores') }}
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

forward_scores as (
    select
        campaign,
        -- of a column that gives it row by row the forward rows keep nothing
        try_cast(declaration ->> 'contact_cost' as double) as contact_cost,
        try_cast(declaration ->> 'conversion_value' as double)
            as conversion_value,
        unnest(forward, recursive := true),
    from champions
),

held_out as (
    select * from {{ ref('held_out') }}
),

scores_of_contacted as (
    select scores.*
    from scores
    anti join held_out
        on
            scores.campaign = held_out.campaign
            and scores.entity_id = held_out.entity_id
),

known as (
    select
        campaign,
        split,
        entity_id,
        customer_id,
        has_converted,
        predicted_probability,
        baseline_probability,
        declared_baseline_probability,
        contact_cost,
        conversion_value,
    from scores_of_contacted
    where
        has_converted is not null
        and predicted_probability is not null
        and split in ('train', 'test')

    union all

    select
        campaign,
        'forward' as split,
        entity_id,
        customer_id,
        has_converted,
        predicted_probability,
        baseline_probability,
        declared_baseline_probability,
        contact_cost,
        conversion_value,
    from forward_scores
),

rank_rows as (
    select
        *,
        -- ties break by key
        cast(ntile(10) over (
            partition by campaign, split
            order by predicted_probability desc, entity_id asc
        ) as integer) as decile,
    from known
)

select * from rank_rows
