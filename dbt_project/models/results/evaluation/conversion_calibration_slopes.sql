with scores as (
    select
        campaign,
        split,
        customer_id,
        decile,
        predicted_probability,
        cast(has_converted as int) as converted,
        ln(predicted_probability / (1 - predicted_probability)) as log_odds,
    from {{ ref('judged_scores') }}
),

count_bins as (
    select
        campaign,
        split,
        avg(log_odds) as log_odds,
        cast(count(*) as double) as row_count,
        cast(sum(converted) as double) as converted,
    from scores
    group by campaign, split, round(log_odds, 2)
),

-- Newton's method, from a slope of 1; without both outcomes there is no slope
fit_0 as (
    select
        campaign,
        split,
        cast(0 as double) as intercept,
        cast(1 as double) as slope,
    from count_bins
    group by campaign, split
    having sum(converted) between 1 and sum(row_count) - 1
),

{% for step in range(1, 9) %}
predicted_{{ step }} as (
    select
        count_bins.*,
        fit.intercept,
        fit.slope,
        1 / (1 + exp(-(fit.intercept + fit.slope * count_bins.log_odds)))
            as probability,
    from count_bins
    inner join fit_{{ step - 1 }} as fit using (campaign, split)
),

sums_{{ step }} as (
    select
        campaign,
        split,
        any_value(intercept) as intercept,
        any_value(slope) as slope,
        sum(converted - row_count * probability) as gap,
        sum(log_odds * (converted - row_count * probability)) as tilt,
        sum(row_count * probability * (1 - probability)) as h00,
        sum(log_odds * row_count * probability * (1 - probability)) as h01,
        sum(pow(log_odds, 2) * row_count * probability * (1 - probability))
            as h11,
    from predicted_{{ step }}
    group by campaign, split
),

fit_{{ step }} as (
    select
        campaign,
        split,
        h00,
        h01,
        nullif(h00 * h11 - h01 * h01, 0) as determinant,
        intercept + (h11 * gap - h01 * tilt) / determinant as intercept,
        slope + (h00 * tilt - h01 * gap) / determinant as slope,
    from sums_{{ step }}
),
{% endfor %}

predicted_rows as (
    select
        scores.*,
        fit.slope,
        (fit.h00 * scores.log_odds - fit.h01) / fit.determinant * (
            scores.converted
            - 1 / (1 + exp(-(fit.intercept + fit.slope * scores.log_odds)))
        ) as influence,
        scores.converted - scores.predicted_probability as unexpected,
    from scores
    inner join fit_8 as fit using (campaign, split)
),

sum_by_customer as (
    select
        campaign,
        split,
        any_value(slope) as slope,
        sum(influence) as influence,
        sum(converted) filter (where decile = 1) as converted,
        sum(predicted_probability) filter (where decile = 1) as expected,
        sum(unexpected) filter (where decile = 1) as unexpected,
    from predicted_rows
    group by campaign, split, customer_id
),

add_errors as (
    select
        campaign,
        split,
        any_value(slope) as slope,
        1.959964 * sqrt(sum(influence * influence)) as slope_error,
        sum(expected) / nullif(sum(converted), 0) as ratio,
        1.959964 * sqrt(sum(unexpected * unexpected))
        / nullif(sum(converted), 0) as ratio_error,
    from sum_by_customer
    group by campaign, split
),

add_intervals as (
    select
        campaign,
        split,
        slope as calibration_slope,
        slope - slope_error as lower,
        slope + slope_error as upper,
        ratio as top_decile_expected_to_observed,
        ratio * exp(-ratio_error) as top_decile_lower,
        ratio * exp(ratio_error) as top_decile_upper,
    from add_errors
)

select * from add_intervals
