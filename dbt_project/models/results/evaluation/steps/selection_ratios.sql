-- the rate of a smaller group says too little to compare others with it
{% set least_rows = 100 %}

with rates as (
    select
        *,
        row_count >= {{ least_rows }} as is_compared_with,
    from {{ ref('group_rates') }}
    where measure = 'selection'
),

-- the highest rate is the best of those others: any of them may be the truly highest, so
-- a ratio is below what its upper bounds to all say together (Bonferroni)
pairs as (
    select
        rates.*,
        others.group_value as other_value,
        others.rate as other_rate,
        others.row_count as other_rows,
        others.converted as other_converted,
        others.design_effect as other_effect,
        others.rate_lower as other_lower,
        others.rate_upper as other_upper,
        sqrt(2 * gamma_quantile(
            1 - 0.05 / count(*) over (
                partition by
                    rates.campaign, rates.audited_column, rates.group_value
            ), 0.5, 0.5
        )) as z,
    from rates
    inner join rates as others using (campaign, audited_column)
    where
        others.is_compared_with and others.group_value != rates.group_value
),

add_bounds_of_upper as (
    select
        *,
        {{ wilson_bound('converted', 'row_count', 1, 'design_effect', 'z') }}
            as wide_upper,
        {{ wilson_bound(
            'other_converted', 'other_rows', -1, 'other_effect', 'z'
        ) }} as other_wide_lower,
    from pairs
),

-- ratio of two rates by their Wilson bounds (Donner and Zou 2012)
add_ratios as (
    select
        *,
        (
            rate * other_rate - sqrt(greatest(
                0, rate * other_rate * rate * other_rate
                - rate_lower * other_upper
                * (2 * rate - rate_lower) * (2 * other_rate - other_upper)
            ))
        ) / nullif(other_upper * (2 * other_rate - other_upper), 0)
            as ratio_lower,
        (
            rate * other_rate + sqrt(greatest(
                0, rate * other_rate * rate * other_rate
                - wide_upper * other_wide_lower
                * (2 * rate - wide_upper) * (2 * other_rate - other_wide_lower)
            ))
        ) / nullif(other_wide_lower * (2 * other_rate - other_wide_lower), 0)
            as ratio_upper,
    from add_bounds_of_upper
),

-- a group that others are compared with has at most the highest rate
compare_with_highest as (
    select
        campaign,
        audited_column,
        group_value,
        if(
            any_value(is_compared_with),
            least(1, min(ratio_lower)), min(ratio_lower)
        ) as ratio_lower,
        if(
            any_value(is_compared_with),
            least(1, min(ratio_upper)), min(ratio_upper)
        ) as ratio_upper,
        any_value(rate) / nullif(greatest(max(other_rate), max(
            case when is_compared_with then rate else 0 end
        )), 0) as ratio_to_best,
    from add_ratios
    group by campaign, audited_column, group_value
)

select * from compare_with_highest
