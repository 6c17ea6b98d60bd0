with advice as (
    select * from {{ ref('retrain_advice_worded') }}
),

add_time_of_check as (
    select
        campaign,
        advice,
        reason,
        model_version,
        model_age_days,
        newest_window,
        drifted_feature_count,
        drifting_feature_count,
        score_psi,
        ratio as realised_to_expected,
        {{ selection_time() }} as checked_at,
    from advice
)

select * from add_time_of_check
