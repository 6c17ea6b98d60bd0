with terms as (
    select * from {{ ref('audience_terms') }}
),

outcomes as (
    select * from {{ ref('audience_outcomes') }}
),

expectations as (
    select * from {{ ref('audience_expectations') }}
    where scope = 'contacted'
),

results as (
    select * from {{ ref('audience_results') }}
),

candidates as (
    select
        audience_id,
        count(*) as candidate_count,
        count(*) filter (where is_suppressed) as suppressed_count,
        count(*) filter (where is_holdout) as holdout_count,
        count(*) filter (where is_unsent) as unsent_count,
        max(selected_at) as selected_at,
        min(sent_at) as sent_at,
    from outcomes
    group by audience_id
),

last_contacts as (
    select
        audience_id,
        entity_id as marginal_entity_id,
        predicted_probability as marginal_probability,
        expected_profit as marginal_expected_profit,
    from outcomes
    where is_contacted
    qualify lead(entity_id) over (
        partition by audience_id
        order by {{ best_first() }}
    ) is null
),

-- Fleiss, Levin and Paik 2003, for groups of unequal size
effects as (
    select
        terms.audience_id,
        expectations.contacted_rate,
        greatest(0, expectations.contacted_rate - terms.holdout_effect)
            as holdout_rate,
        (1 - terms.holdout_share) / terms.holdout_share as ratio,
        (expectations.contacted_rate * ratio + holdout_rate) / (ratio + 1)
            as mean_rate,
        1.959964e0 * sqrt((ratio + 1) * mean_rate * (1 - mean_rate))
        + 0.8416212e0 * sqrt(
            ratio * holdout_rate * (1 - holdout_rate)
            + expectations.contacted_rate * (1 - expectations.contacted_rate)
        ) as standard_errors,
        ceil(
            standard_errors * standard_errors / ratio
            / (expectations.contacted_rate - holdout_rate)
            / (expectations.contacted_rate - holdout_rate)
        ) as required_count,
    from terms
    inner join expectations on terms.audience_id = expectations.audience_id
    where terms.holdout_share is not null
),

combine as (
    select
        terms.audience_id,
        terms.campaign,
        terms.purpose,
        terms.channel,
        terms.week_start,
        terms.threshold_policy,
        terms.policy_limit,
        terms.model_version,
        coalesce(candidates.candidate_count, 0) as candidate_count,
        coalesce(candidates.suppressed_count, 0) as suppressed_count,
        terms.old_count,
        terms.used_count,
        coalesce(candidates.holdout_count, 0) as holdout_count,
        coalesce(candidates.unsent_count, 0) as unsent_count,
        coalesce(expectations.contact_count, 0) as contact_count,
        expectations.expected_conversions,
        expectations.expected_conversions_lower,
        expectations.expected_conversions_upper,
        {{ money('expectations.contact_cost') }} as contact_cost,
        {{ money('expectations.expected_revenue') }} as expected_revenue,
        {{ money('expectations.expected_profit') }} as expected_profit,
        {{ money('expectations.expected_profit_lower') }}
            as expected_profit_lower,
        {{ money('expectations.expected_profit_upper') }}
            as expected_profit_upper,
        expectations.return_on_ad_spend,
        expectations.return_on_ad_spend_lower,
        expectations.return_on_ad_spend_upper,
        last_contacts.marginal_entity_id,
        last_contacts.marginal_probability,
        last_contacts.marginal_expected_profit,
        terms.holdout_share,
        terms.holdout_effect,
        cast(effects.required_count as bigint) as holdout_required_count,
        candidates.holdout_count >= effects.required_count
            as is_holdout_sufficient,
        coalesce(results.known_count, 0) as realised_count,
        coalesce(results.realised_conversions, 0) as realised_conversions,
        {{ money('results.realised_profit') }} as realised_profit,
        coalesce(results.is_profit_within, results.is_within)
            as is_realised_within,
        candidates.selected_at,
        candidates.sent_at,
    from terms
    left join candidates on terms.audience_id = candidates.audience_id
    left join expectations on terms.audience_id = expectations.audience_id
    left join results on terms.audience_id = results.audience_id
    left join last_contacts on terms.audience_id = last_contacts.audience_id
    left join effects on terms.audience_id = effects.audience_id
)

select * from combine
