{{ config(tags='not_daily') }}
-- base, five reasons and all others make up the log-odds of the probability
with reasons as (
    select
        campaign,
        entity_id,
        any_value(base_log_odds) + any_value(other_contribution)
        + sum(contribution) as log_odds,
    from {{ ref('conversion_reasons') }}
    group by campaign, entity_id
),

scores as (
    select * from {{ ref('conversion_scores') }}
),

apart as (
    select
        campaign,
        entity_id,
        reasons.log_odds,
        scores.predicted_probability,
    from reasons
    inner join scores using (campaign, entity_id)
    where
        abs(
            1 / (1 + exp(-reasons.log_odds)) - scores.predicted_probability
        ) > 1e-9
)

select * from apart
