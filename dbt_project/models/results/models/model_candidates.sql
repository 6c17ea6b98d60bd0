with models as (
    select * from {{ ref('conversion_models') }}
),

candidates as (
    select
        campaign,
        model_version,
        algorithm as champion,
        imbalance as champion_imbalance,
        unnest(candidates, recursive := true),
    from models
),

compare_groups as (
    select
        campaign,
        model_version,
        algorithm,
        imbalance,
        roc_auc,
        average_precision,
        f1,
        log_loss,
        brier,
        later_measure,
        fit_seconds,
        feature_count,
        all_features_average_precision,
        cast(row_number() over (
            partition by campaign, model_version
            order by
                algorithm = champion and imbalance = champion_imbalance desc,
                coalesce(later_measure, average_precision) desc,
                algorithm asc,
                imbalance asc
        ) as integer) as rank,
        algorithm = champion and imbalance = champion_imbalance as is_champion,
    from candidates
)

select * from compare_groups
