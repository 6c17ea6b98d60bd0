with scores as (
    select * from {{ ref('all_scores') }}
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

rank_rows as (
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
        rank_rows.campaign,
        rank_rows.entity_id,
        rank_rows.customer_id,
        rank_rows.split,
        rank_rows.has_converted,
        rank_rows.predicted_probability,
        rank_rows.predicted_probability >= policies.threshold
            as predicted_conversion,
        policies.threshold,
        policies.threshold_policy,
        cast(rank_rows.decile as integer) as decile,
        cast(rank_rows.percentile as integer) as percentile,
        case
            when rank_rows.predicted_probability >= 3 * rank_rows.base_rate
                then 'very high'
            when rank_rows.predicted_probability >= 1.5 * rank_rows.base_rate
                then 'high'
            when rank_rows.predicted_probability >= 0.5 * rank_rows.base_rate
                then 'medium'
            else 'low'
        end as propensity_band,
        rank_rows.contact_cost,
        rank_rows.conversion_value,
        rank_rows.predicted_probability * rank_rows.conversion_value
        - rank_rows.contact_cost as expected_profit,
        rank_rows.is_out_of_fold,
        rank_rows.model_version,
        rank_rows.scored_at,
    from rank_rows
    inner join policies using (campaign)
)

select * from decided
