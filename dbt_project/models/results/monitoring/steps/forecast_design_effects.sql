-- How much more the conversions of customers with several rows vary than those of as many
-- customers (see clustered_counts), beyond what their forecasts say of them
with forecasts as (
    select * from {{ ref('conversion_forecasts') }}
),

outcomes as (
    select * from {{ ref('all_scores') }}
    where has_converted is not null
),

known as (
    select
        forecasts.campaign,
        forecasts.model_version,
        forecasts.scored_on,
        forecasts.customer_id,
        forecasts.predicted_probability as probability,
        cast(outcomes.has_converted as integer) as outcome,
    from forecasts
    inner join outcomes using (campaign, entity_id)
),

-- what forecasts let expect, were they right on average
add_residuals as (
    select
        *,
        sum(outcome) over whole
        / nullif(cast({{ exact_sum('probability') }} over whole as double), 0)
        * probability as likely,
        outcome - likely as residual,
    from known
    window whole as (partition by campaign, model_version, scored_on)
),

-- products of residuals of two rows, and what they would be of rows that convert as one
customers as (
    select
        campaign,
        model_version,
        scored_on,
        sum(likely) as likely,
        sum(residual) * sum(residual) - sum(residual * residual) as excess,
        sum(sqrt(likely)) * sum(sqrt(likely)) - sum(likely) as pairs,
    from add_residuals
    group by campaign, model_version, scored_on, customer_id
),

days as (
    select
        campaign,
        model_version,
        scored_on,
        cast({{ exact_sum('likely') }} as double) as likely,
        cast({{ exact_sum('excess') }} as double) as excess,
        cast({{ exact_sum('pairs') }} as double) as pairs,
    from customers
    group by campaign, model_version, scored_on
),

-- the correlation of all days together: one has too few conversions to tell it
add_design_effects as (
    select
        campaign,
        model_version,
        scored_on,
        coalesce(
            1 + greatest(0, least(1, coalesce(
                sum(excess) over whole / nullif(sum(pairs) over whole, 0), 0
            ))) * pairs / nullif(likely, 0),
            1
        ) as design_effect,
    from days
    window whole as (partition by campaign)
)

select * from add_design_effects
