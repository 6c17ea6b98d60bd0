with terms as (
    select * from {{ ref('audience_terms') }}
),

outcomes as (
    select * from {{ ref('audience_outcomes') }}
),

-- expected and realised are compared on the same rows: those with a known outcome
scoped_contacts as (
    select
        *,
        unnest(
            if(has_converted is null, ['contacted'], ['contacted', 'known'])
        ) as scope,
    from outcomes
    where is_contacted
),

contacts as (
    select
        audience_id,
        scope,
        count(*) as contact_count,
        cast({{ exact_sum('predicted_probability') }} as double)
            as expected_conversions,
        cast({{ exact_sum('chance') }} as double) as conversions_variance,
        cast({{ exact_sum('contact_cost') }} as double) as contact_cost,
        cast({{ exact_sum('revenue') }} as double) as expected_revenue,
        cast({{ exact_sum('revenue_chance') }} as double) as revenue_variance,
        count(*) filter (where has_converted) as realised_conversions,
        cast({{ exact_sum('realised_value') }} as double) as realised_value,
        max(selected_at) as selected_at,
    from scoped_contacts
    group by audience_id, scope
),

-- chance, and how far predictions were off where outcomes are known
add_error_of_predictions as (
    select
        contacts.* replace (
            contacts.conversions_variance
            + terms.relative_variance
            * contacts.expected_conversions * contacts.expected_conversions
                as conversions_variance,
            contacts.revenue_variance
            + terms.relative_variance
            * contacts.expected_revenue * contacts.expected_revenue
                as revenue_variance
        ),
        contacts.expected_revenue / contacts.expected_conversions
            as mean_value,
    from contacts
    inner join terms on contacts.audience_id = terms.audience_id
),

-- whole conversions, outwards: half a conversion cannot come true
add_bounds as (
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
    from add_error_of_predictions
),

add_profit as (
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
    from add_bounds
)

select * from add_profit
