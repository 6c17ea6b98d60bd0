-- Population stability index of each compared column and window, and its test
--
-- in fewer rows a bin of a tenth would expect fewer than ten
{% set enough_rows = 100 %}

with counts as (
    select * from {{ ref('conversion_drift_counts') }}
),

totals as (
    select
        campaign,
        feature,
        window_start,
        sum(row_count) as row_count,
        sum(total) / sum(row_count) filter (where bin != '(unknown)') as mean,
    from counts
    group by campaign, feature, window_start
),

windows as (
    select
        windows.campaign,
        windows.feature,
        windows.window_start,
        windows.row_count,
        windows.mean as window_mean,
        reference.row_count as reference_count,
        reference.mean as reference_mean,
    from totals as windows
    inner join totals as reference using (campaign, feature)
    where windows.window_start is not null and reference.window_start is null
),

-- every window with every bin that it or the reference has rows in; an empty bin counts
-- as half a row
compare_bins as (
    select
        windows.campaign,
        windows.feature,
        windows.window_start,
        counts.bin,
        coalesce(sum(counts.row_count) filter (
            where counts.window_start is not null
        ), 0) as window_rows,
        coalesce(sum(counts.row_count) filter (
            where counts.window_start is null
        ), 0) as reference_rows,
        greatest(window_rows, 0.5e0) / any_value(windows.row_count) as share,
        greatest(reference_rows, 0.5e0) / any_value(windows.reference_count)
            as reference_share,
        any_value(counts.feature_kind) as feature_kind,
        any_value(counts.is_accepted) as is_accepted,
        any_value(counts.window_end) as window_end,
        any_value(windows.row_count) as row_count,
        any_value(windows.reference_count) as reference_count,
        any_value(windows.window_mean) as window_mean,
        any_value(windows.reference_mean) as reference_mean,
    from windows
    inner join counts
        on
            windows.campaign = counts.campaign
            and windows.feature = counts.feature
            and windows.window_start
            = coalesce(counts.window_start, windows.window_start)
    group by
        windows.campaign, windows.feature, windows.window_start, counts.bin
),

measure_drift as (
    select
        campaign,
        feature,
        window_start,
        any_value(feature_kind) as feature_kind,
        any_value(is_accepted) as is_accepted,
        any_value(window_end) as window_end,
        any_value(row_count) as row_count,
        any_value(reference_count) as reference_count,
        any_value(window_mean) as window_mean,
        any_value(reference_mean) as reference_mean,
        sum((share - reference_share) * ln(share / reference_share)) as psi,
        count(*) - 1 as degrees_of_freedom,
        1 / any_value(row_count) + 1 / any_value(reference_count) as spread,
        sum(
            (window_rows / row_count - reference_rows / reference_count)
            * (window_rows / row_count - reference_rows / reference_count)
            / (window_rows + reference_rows)
        ) * any_value(row_count) * any_value(reference_count) as chi_square,
    from compare_bins
    group by campaign, feature, window_start
),

test_drift as (
    select
        * exclude (psi, degrees_of_freedom, spread, chi_square),
        least(row_count, reference_count) >= {{ enough_rows }}
            as has_enough_rows,
        -- digits beyond differ with the order of summing
        if(has_enough_rows, round(psi, 6), null) as population_stability_index,
        -- 95 % of what chance alone gives lies below (Yurdakul 2018)
        round(spread * coalesce(2 * gamma_quantile(
            0.95, degrees_of_freedom / 2e0, degrees_of_freedom / 2e0
        ), 0), 6) as noise_limit,
        if(has_enough_rows, coalesce(
            chi_square_p_value(round(chi_square, 6), degrees_of_freedom), 1
        ), null) as p_value,
    from measure_drift
)

select * from test_drift
