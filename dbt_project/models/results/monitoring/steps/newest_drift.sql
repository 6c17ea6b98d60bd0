with drift as (
    select * from {{ ref('conversion_drift') }}
),

-- the newest window with enough rows to judge the score by
newest_windows as (
    select
        campaign,
        max(window_start) as newest_window,
    from drift
    where feature_kind = 'score' and status != 'too few rows'
    group by campaign
),

sum_up_windows as (
    select
        drift.campaign,
        any_value(newest_windows.newest_window) as newest_window,
        count(*) filter (where drift.feature_kind = 'feature') as feature_count,
        count(*) filter (
            where drift.feature_kind = 'feature' and drift.status = 'drifted'
        ) as drifted_feature_count,
        count(*) filter (
            where drift.feature_kind = 'feature' and drift.status = 'drifting'
        ) as drifting_feature_count,
        {% set moved = "drift.feature_kind = 'feature'"
            ~ " and drift.status in ('drifting', 'drifted')"
            ~ " and not drift.is_accepted" %}
        arg_max(
            drift.feature,
            if({{ moved }}, drift.population_stability_index, null)
        ) as most_drifted,
        max(if({{ moved }}, drift.population_stability_index, null))
            as most_drifted_psi,
        max(drift.population_stability_index) filter (
            where drift.feature_kind = 'score'
        ) as score_psi,
        max(if(drift.is_accepted, 'stable', drift.status)) filter (
            where drift.feature_kind = 'score'
        ) as score_status,
        bool_or(
            drift.is_accepted and drift.status in ('drifting', 'drifted')
        ) filter (where drift.feature_kind = 'score') as is_score_accepted,
        max(if(drift.is_accepted, 'stable', drift.status)) filter (
            where drift.feature_kind = 'label'
        ) as label_status,
        max(drift.window_mean) filter (where drift.feature_kind = 'label')
            as rate,
        max(drift.reference_mean) filter (where drift.feature_kind = 'label')
            as training_rate,
    from drift
    inner join newest_windows
        on
            drift.campaign = newest_windows.campaign
            and drift.window_start = newest_windows.newest_window
    group by drift.campaign
)

select * from sum_up_windows
