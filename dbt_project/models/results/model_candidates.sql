with models as (
    select * from {{ ref('conversion_models') }}
),

candidates as (
    select
        campaign,
        model_version,
        algorithm as champion,
        unnest(candidates, recursive := true),
    from models
),

compared as (
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
        fit_seconds,
        cast(row_number() over (
            partition by campaign, model_version
            order by average_precision desc, algorithm asc
        ) as integer) as rank,
        algorithm = champion as is_champion,
    from candidates
)

select * from compared
