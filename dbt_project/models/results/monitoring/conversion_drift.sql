-- limits of the population stability index in common use (Siddiqi 2006)
{% set limits = {'drifting': '0.1e0', 'drifted': '0.25e0'} %}
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
        {% for share, rows, side in [
            ('share', 'row_count', 'is not null'),
            ('reference_share', 'reference_count', 'is null'),
        ] %}
        greatest(
            sum(if(counts.window_start {{ side }}, counts.row_count, 0)), 0.5e0
        ) / any_value(windows.{{ rows }}) as {{ share }},
        {% endfor %}
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
        -- 95 % of what chance alone gives lies below (Yurdakul 2018)
        coalesce(2 * gamma_quantile(
            0.95, (count(*) - 1) / 2e0, (count(*) - 1) / 2e0
        ), 0) * (1 / any_value(row_count) + 1 / any_value(reference_count))
            as noise_limit,
    from compare_bins
    group by campaign, feature, window_start
),

round_measures as (
    select
        * exclude (psi, noise_limit),
        least(row_count, reference_count) >= {{ enough_rows }}
            as has_enough_rows,
        -- digits beyond differ with the order of summing
        if(has_enough_rows, round(psi, 6), null) as population_stability_index,
        round(noise_limit, 6) as noise_limit,
    from measure_drift
),

add_status as (
    select
        campaign,
        feature,
        feature_kind,
        window_start,
        window_end,
        cast(row_count as bigint) as row_count,
        cast(reference_count as bigint) as reference_count,
        window_mean,
        reference_mean,
        population_stability_index,
        noise_limit,
        {{ limits.drifting }} as drifting_limit,
        {{ limits.drifted }} as drifted_limit,
        case
            when not has_enough_rows then 'too few rows'
            when population_stability_index <= noise_limit then 'stable'
            when population_stability_index >= {{ limits.drifted }}
                then 'drifted'
            when population_stability_index >= {{ limits.drifting }}
                then 'drifting'
            else 'stable'
        end as status,
        is_accepted,
    from round_measures
)

select * from add_status
