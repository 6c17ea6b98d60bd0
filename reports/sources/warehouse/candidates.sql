-- One row per campaign and candidate model, judged by cross-validation.
with

candidates as (
    select candidates.*
    from results.model_candidates as candidates
    inner join results.campaigns as campaigns
        on candidates.campaign = campaigns.campaign
        and candidates.model_version = campaigns.model_version
)

select
    candidates.campaign,
    candidates.rank,
    replace(candidates.algorithm, '_', ' ') as algorithm,
    candidates.imbalance,
    candidates.roc_auc,
    candidates.average_precision,
    candidates.f1,
    candidates.log_loss,
    candidates.brier,
    candidates.later_measure,
    candidates.feature_count,
    candidates.all_features_average_precision,
    candidates.fit_seconds
from (select 1) as guard
left join candidates on true
