-- where fewer conversions are to be expected, a rate says nothing of how rates differ
{% set expected_conversions = 5 %}

with counts as (
    select * from {{ ref('conversion_counts') }}
    where is_dimension and converted is not null
),

rates as (
    select
        campaign,
        column_name as dimension,
        category,
        row_count,
        converted,
        design_effect,
        -- rows of a customer say less than as many of others
        row_count / design_effect as effective_rows,
        converted / cast(row_count as double) as conversion_rate,
        sum(converted) over whole
        / cast(sum(row_count) over whole as double) as base_rate,
    from counts
    window whole as (partition by campaign, column_name)
),

-- sums of decimals do not depend on the order of rows
steady_categories as (
    select
        campaign,
        dimension,
        count(*) - 1 as freedom,
        cast({{ exact_sum('effective_rows') }} as double) as row_count,
        cast({{ exact_sum('effective_rows * conversion_rate') }} as double)
            as converted,
        cast({{ exact_sum('effective_rows * effective_rows') }} as double)
            as squared_row_counts,
        cast({{ exact_sum(
            'effective_rows * conversion_rate * conversion_rate'
        ) }} as double) as squared_conversions,
    from rates
    where
        effective_rows * least(base_rate, 1 - base_rate)
        >= {{ expected_conversions }}
    group by campaign, dimension
),

homogeneity as (
    select
        campaign,
        dimension,
        freedom,
        row_count,
        squared_row_counts,
        (squared_conversions - converted * converted / row_count)
        / nullif(converted / row_count * (1 - converted / row_count), 0)
            as chi_squared,
    from steady_categories
),

-- Kleinman (1973), weights = effective rows: what chi squared has beyond chance
priors as (
    select
        campaign,
        dimension,
        greatest(0, least(1, (chi_squared - freedom) / nullif(
            row_count - squared_row_counts / row_count - freedom, 0
        ))) as correlation,
    from homogeneity
    where freedom > 0
),

-- posterior mean of Beta(a, b), a / (a + b) = base rate, 1 / (a + b + 1) = correlation;
-- the luck of fewer than smallest_cell rows has no weight of its own
shrunk as (
    select
        rates.*,
        case
            when rates.row_count >= {{ var('smallest_cell') }}
                then coalesce(priors.correlation, 0)
            else 0
        end as spread,
        rates.effective_rows * spread
        / (rates.effective_rows * spread + 1 - spread) as own_weight,
        rates.base_rate
        + own_weight * (rates.conversion_rate - rates.base_rate) as shrunk_rate,
    from rates
    left join priors using (campaign, dimension)
),

add_bounds as (
    select
        *,
        {{ jeffreys_bound('converted', 'row_count', 'lower', 'design_effect') }}
            as lower,
        {{ jeffreys_bound('converted', 'row_count', 'upper', 'design_effect') }}
            as upper,
    from shrunk
),

add_verdicts as (
    select
        campaign,
        dimension,
        category,
        row_count,
        converted,
        conversion_rate,
        shrunk_rate,
        lower,
        upper,
        design_effect,
        conversion_rate / nullif(base_rate, 0) as lift,
        row_count >= {{ var('smallest_cell') }}
        and upper - lower <= greatest(conversion_rate, base_rate)
            as is_reliable,
    from add_bounds
)

select * from add_verdicts
