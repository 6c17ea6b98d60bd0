-- One row per campaign, feature that its model reads (or its score, or its conversion rate) and window of
-- at least ten newer rows.
with

windows as (
    select
        drift.*,
        case
            when drift.feature_kind = 'feature'
                then dense_rank() over (
                    partition by drift.campaign, drift.feature_kind
                    order by drift.most_beyond_chance desc nulls last, drift.most desc nulls last, drift.feature
                )
        end as rank
    from (
        select
            *,
            max(population_stability_index) filter (where status in ('drifting', 'drifted'))
                over (partition by campaign, feature) as most_beyond_chance,
            max(population_stability_index) filter (where status != 'too few rows')
                over (partition by campaign, feature) as most
        from results.conversion_drift
        where campaign in (select campaign from results.campaigns where variant_of is null)
    ) as drift
)

select
    windows.campaign,
    replace(windows.feature, '_', ' ') as feature,
    windows.feature_kind,
    windows.rank,
    strftime(windows.window_start, '%Y-%m-%d') as window_start,
    -- a day, or the first of a week; else the month
    if(
        windows.window_end - windows.window_start <= 6,
        strftime(windows.window_start, '%-d %b %Y'),
        strftime(windows.window_start, '%b %Y')
    ) as window_name,
    windows.row_count,
    windows.window_mean as mean,
    windows.reference_mean,
    windows.population_stability_index as psi,
    windows.q_value,
    windows.drifting_limit,
    windows.drifted_limit,
    windows.status
from (select 1) as guard
left join windows on windows.row_count >= 10
order by windows.campaign, windows.feature, windows.window_start
