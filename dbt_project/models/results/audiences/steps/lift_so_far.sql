-- What contacting brought by each week: the lift of all audiences so far, each compared
-- with its own holdout
with results as (
    select * from {{ ref('audience_results') }}
    where purpose = 'contact'
),

lift as (
    select * from {{ ref('campaign_lift') }}
    where decile = 0
),

-- weights of Mantel and Haenszel; an audience with one group only has none
weight_audiences as (
    select
        results.*,
        coalesce(lift.holdout_count, 0) as holdout_count,
        lift.contacted_count,
        lift.contacted_rate,
        lift.holdout_rate,
        coalesce(
            lift.contacted_count * lift.holdout_count
            / nullif(cast(lift.known_count as double), 0), 0
        ) as weight,
    from results
    left join lift on results.audience_id = lift.audience_id
),

sum_weeks as (
    select
        campaign,
        week_start,
        audience_id,
        count(*) over so_far as week_count,
        sum(known_count) over so_far as contact_count,
        sum(holdout_count) over so_far as holdout_count,
        sum(contact_cost) over so_far as contact_cost,
        sum(realised_profit) over so_far as gross_profit,
        -- value of an expected conversion
        sum(mean_value * expected_conversions) over so_far
        / sum(expected_conversions) over so_far as mean_value,
        -- the rate of each group, and how many rows of one audience would vary as much
        sum(weight * contacted_rate) over so_far
        / nullif(sum(weight) over so_far, 0) as contacted_rate,
        sum(weight * holdout_rate) over so_far
        / nullif(sum(weight) over so_far, 0) as holdout_rate,
        pow(sum(weight) over so_far, 2) / nullif(
            sum(weight * weight / nullif(contacted_count, 0)) over so_far, 0
        ) as contacted_size,
        pow(sum(weight) over so_far, 2) / nullif(
            sum(weight * weight / nullif(holdout_count, 0)) over so_far, 0
        ) as holdout_size,
    from weight_audiences
    where known_count > 0
    window so_far as (
        partition by campaign order by week_start
    )
),

add_wilson_bounds as (
    select
        *,
        {% for group in ['contacted', 'holdout'] %}
        {% set converted = '(' ~ group ~ '_rate * ' ~ group ~ '_size)' %}
        {{ wilson_bound(converted, group ~ '_size', -1) }} as {{ group }}_lower,
        {{ wilson_bound(converted, group ~ '_size', 1) }} as {{ group }}_upper,
        {% endfor %}
        contacted_rate - holdout_rate as lift,
    from sum_weeks
),

-- of the weighted rates
add_lift_bounds as (
    select
        *,
        {{ newcombe_bound('lift', 'contacted', 'holdout', 'lower') }}
            as lift_lower,
        {{ newcombe_bound('lift', 'contacted', 'holdout', 'upper') }}
            as lift_upper,
    from add_wilson_bounds
),

add_money as (
    select
        campaign,
        week_start,
        audience_id,
        week_count,
        contact_count,
        holdout_count,
        gross_profit,
        lift,
        lift_lower,
        lift_upper,
        lift * contact_count as incremental_conversions,
        lift_lower * contact_count as incremental_conversions_lower,
        lift_upper * contact_count as incremental_conversions_upper,
        incremental_conversions * mean_value - contact_cost
            as incremental_profit,
        incremental_conversions_lower * mean_value - contact_cost
            as incremental_profit_lower,
        incremental_conversions_upper * mean_value - contact_cost
            as incremental_profit_upper,
    from add_lift_bounds
)

select * from add_money
