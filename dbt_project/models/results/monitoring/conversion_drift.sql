-- limits of the population stability index in common use (Siddiqi 2006)
{% set limits = {'drifting': '0.1e0', 'drifted': '0.25e0'} %}

with indices as (
    select * from {{ ref('drift_indices') }}
),

-- the features of a window are many comparisons; score, outcome and what is known to
-- drift are none of them
adjust_for_features as (
    {{ adjust_p_values(
        'indices', ['campaign', 'window_start', 'feature_kind', 'is_accepted'],
        'false discovery rate', 'q_value'
    ) }}
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
        p_value,
        q_value,
        {{ limits.drifting }} as drifting_limit,
        {{ limits.drifted }} as drifted_limit,
        case
            when not has_enough_rows then 'too few rows'
            when population_stability_index <= noise_limit or q_value >= 0.05
                then 'stable'
            when population_stability_index >= {{ limits.drifted }}
                then 'drifted'
            when population_stability_index >= {{ limits.drifting }}
                then 'drifting'
            else 'stable'
        end as status,
        is_accepted,
    from adjust_for_features
)

select * from add_status
