with terms as (
    select * from {{ ref('audience_terms') }}
),

members as (
    select * from {{ ref('audience_members') }}
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

judged as (
    select
        members.*,
        members.suppressed_reason is not null as is_suppressed,
        members.suppressed_reason is null and not members.is_holdout
            as is_contacted,
        bool_or(members.conversion_value is not null) over (
            partition by members.audience_id
        ) as has_value,
        {{ contact_priority('members', 'terms.threshold_policy', 'has_value') }}
            as priority,
        members.predicted_probability * (1 - members.predicted_probability)
            as chance,
        chance * members.conversion_value * members.conversion_value
            as revenue_chance,
        members.predicted_probability * members.conversion_value as revenue,
        cast(outcomes.has_converted as integer) * members.conversion_value
        - members.contact_cost as profit,
        outcomes.has_converted,
    from members
    inner join terms on members.audience_id = terms.audience_id
    left join outcomes
        on
            members.campaign = outcomes.campaign
            and members.entity_id = outcomes.entity_id
),

added as (
    select
        audience_id,
        count(*) as candidate_count,
        count(*) filter (where is_suppressed) as suppressed_count,
        count(*) filter (where is_holdout) as holdout_count,
        max(selected_at) as selected_at,
    from judged
    group by audience_id
),

contacted as (
    select
        audience_id,
        count(*) as contact_count,
        cast({{ exact_sum('predicted_probability') }} as double)
            as expected_conversions,
        cast({{ exact_sum('chance') }} as double) as conversions_variance,
        cast({{ exact_sum('contact_cost') }} as double) as contact_cost,
        cast({{ exact_sum('revenue') }} as double) as expected_revenue,
        cast({{ exact_sum('revenue_chance') }} as double) as revenue_variance,
        count(has_converted) as realised_count,
        count(*) filter (where has_converted) as realised_conversions,
        -- null where the outcome is not known
        cast({{ exact_sum('profit') }} as double) as realised_profit,
    from judged
    where is_contacted
    group by audience_id
),

marginal as (
    select
        audience_id,
        entity_id as marginal_entity_id,
        predicted_probability as marginal_probability,
        expected_profit as marginal_expected_profit,
    from judged
    where is_contacted
    qualify row_number() over (
        partition by audience_id
        order by priority asc, entity_id desc
    ) = 1
),

-- chance, and how far predictions were off where outcomes are known
varied as (
    select
        contacted.* replace (
            contacted.conversions_variance
            + terms.relative_variance
            * contacted.expected_conversions * contacted.expected_conversions
                as conversions_variance,
            contacted.revenue_variance
            + terms.relative_variance
            * contacted.expected_revenue * contacted.expected_revenue
                as revenue_variance
        ),
        contacted.expected_revenue / contacted.expected_conversions
            as mean_value,
    from contacted
    inner join terms on contacted.audience_id = terms.audience_id
),

-- whole conversions, outwards: half a conversion cannot come true
bounded as (
    select
        *,
        floor(gamma_quantile(0.025, expected_conversions, conversions_variance))
            as expected_conversions_lower,
        ceil(gamma_quantile(0.975, expected_conversions, conversions_variance))
            as expected_conversions_upper,
        mean_value * floor(
            gamma_quantile(0.025, expected_revenue, revenue_variance)
            / mean_value
        ) as expected_revenue_lower,
        mean_value * ceil(
            gamma_quantile(0.975, expected_revenue, revenue_variance)
            / mean_value
        ) as expected_revenue_upper,
    from varied
),

profitable as (
    select
        *,
        expected_revenue - contact_cost as expected_profit,
        expected_revenue_lower - contact_cost as expected_profit_lower,
        expected_revenue_upper - contact_cost as expected_profit_upper,
        expected_revenue / nullif(contact_cost, 0) as return_on_ad_spend,
        expected_revenue_lower / nullif(contact_cost, 0)
            as return_on_ad_spend_lower,
        expected_revenue_upper / nullif(contact_cost, 0)
            as return_on_ad_spend_upper,
        expected_conversions / contact_count as contacted_rate,
    from bounded
),

-- Fleiss, Levin and Paik 2003, for groups of unequal size
effects as (
    select
        terms.audience_id,
        profitable.contacted_rate,
        greatest(0, profitable.contacted_rate - terms.holdout_effect)
            as holdout_rate,
        (1 - terms.holdout_share) / terms.holdout_share as ratio,
        (profitable.contacted_rate * ratio + holdout_rate) / (ratio + 1)
            as mean_rate,
        1.959964e0 * sqrt((ratio + 1) * mean_rate * (1 - mean_rate))
        + 0.8416212e0 * sqrt(
            ratio * holdout_rate * (1 - holdout_rate)
            + profitable.contacted_rate * (1 - profitable.contacted_rate)
        ) as standard_errors,
        ceil(
            standard_errors * standard_errors / ratio
            / (profitable.contacted_rate - holdout_rate)
            / (profitable.contacted_rate - holdout_rate)
        ) as required_count,
    from terms
    inner join profitable on terms.audience_id = profitable.audience_id
    where terms.holdout_share is not null
),

audiences as (
    select
        terms.audience_id,
        terms.campaign,
        terms.purpose,
        terms.channel,
        terms.week_start,
        terms.threshold_policy,
        terms.policy_limit,
        terms.model_version,
        coalesce(added.candidate_count, 0) as candidate_count,
        coalesce(added.suppressed_count, 0) as suppressed_count,
        coalesce(added.holdout_count, 0) as holdout_count,
        coalesce(profitable.contact_count, 0) as contact_count,
        profitable.expected_conversions,
        profitable.expected_conversions_lower,
        profitable.expected_conversions_upper,
        profitable.contact_cost,
        profitable.expected_revenue,
        profitable.expected_profit,
        profitable.expected_profit_lower,
        profitable.expected_profit_upper,
        profitable.return_on_ad_spend,
        profitable.return_on_ad_spend_lower,
        profitable.return_on_ad_spend_upper,
        marginal.marginal_entity_id,
        marginal.marginal_probability,
        marginal.marginal_expected_profit,
        terms.holdout_share,
        terms.holdout_effect,
        cast(effects.required_count as bigint) as holdout_required_count,
        added.holdout_count >= effects.required_count
            as is_holdout_sufficient,
        coalesce(profitable.realised_count, 0) as realised_count,
        coalesce(profitable.realised_conversions, 0) as realised_conversions,
        profitable.realised_profit,
        case
            when profitable.realised_count = profitable.contact_count
                then
                    profitable.realised_profit
                    between profitable.expected_profit_lower
                    and profitable.expected_profit_upper
        end as is_realised_within,
        added.selected_at,
    from terms
    left join added on terms.audience_id = added.audience_id
    left join profitable on terms.audience_id = profitable.audience_id
    left join marginal on terms.audience_id = marginal.audience_id
    left join effects on terms.audience_id = effects.audience_id
)

select * from audiences
