with models as (
    select * from {{ ref('conversion_models') }}
),

candidates as (
    select
        campaign,
        model_version,
        algorithm as champion,
        unnest(candidates) as candidate,
    from models
),

compared as (
    select
        campaign,
        model_version,
        candidate.algorithm as algorithm,
        candidate.imbalance as imbalance,
        candidate.roc_auc as roc_auc,
        candidate.average_precision as average_precision,
        candidate.f1 as f1,
        candidate.log_loss as log_loss,
        candidate.brier as brier,
        candidate.fit_seconds as fit_seconds,
        cast(row_number() over (
            partition by campaign, model_version
            order by candidate.average_precision desc
        ) as integer) as rank,
        candidate.algorithm = champion as is_champion,
    from candidates
)

select * from compared
