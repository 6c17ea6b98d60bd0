with scores as (
    select * from {{ ref('all_scores') }}
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

ranked as (
    select
        *,
        row_number() over best_first as rank,
        ntile(10) over best_first as decile,
        101 - ntile(100) over best_first as percentile,
        avg(cast(has_converted as integer)) over (partition by campaign)
            as base_rate,
    from scores
    where predicted_probability is not null
    -- ties break by key
    window best_first as (
        partition by campaign, split
        order by predicted_probability desc, entity_id asc
    )
),

decided as (
    select
        ranked.campaign,
        ranked.entity_id,
        ranked.customer_id,
        ranked.split,
        ranked.has_converted,
        ranked.predicted_probability,
        ranked.predicted_probability >= policies.threshold
            as predicted_conversion,
        policies.threshold,
        policies.threshold_policy,
        cast(ranked.decile as integer) as decile,
        cast(ranked.percentile as integer) as percentile,
        case
            when ranked.predicted_probability >= 3 * ranked.base_rate
                then 'very high'
            when ranked.predicted_probability >= 1.5 * ranked.base_rate
                then 'high'
            when ranked.predicted_probability >= 0.5 * ranked.base_rate
                then 'medium'
            else 'low'
        end as propensity_band,
        ranked.contact_cost,
        ranked.conversion_value,
        ranked.predicted_probability * ranked.conversion_value
        - ranked.contact_cost as expected_profit,
        ranked.is_out_of_fold,
        ranked.model_version,
        ranked.scored_at,
    from ranked
    inner join policies using (campaign)
)

select * from decided
