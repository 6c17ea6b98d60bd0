{% set metrics = [
    'roc_auc', 'average_precision', 'f1', 'precision', 'recall', 'log_loss', 'brier',
    'top_decile_lift',
] %}

with replicates as (
    select * from {{ ref('conversion_replicates') }}
    where split != 'train'
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

listed as (
    select
        campaign,
        split,
        predictor,
        replicate,
        metric,
        value,
    from replicates
    unpivot include nulls (
        value for metric in ({{ metrics | join(', ') }})
    )
),

-- the same draw of customers for both, so that the gain has an interval
paired as (
    select
        models.campaign,
        models.split,
        baselines.predictor,
        models.metric,
        models.replicate,
        models.value as model_value,
        baselines.value as baseline_value,
        models.value - baselines.value as gain,
    from listed as models
    inner join listed as baselines
        using (campaign, split, metric, replicate)
    where models.predictor = 'model' and baselines.predictor != 'model'
),

compared as (
    select
        paired.campaign,
        paired.split,
        if(
            paired.predictor = 'declared',
            any_value(champions.declaration ->> 'baseline'),
            paired.predictor
        ) as baseline,
        paired.metric,
        any_value(
            if(
                paired.predictor = 'one_rule',
                champions.baseline_rule,
                champions.declaration ->> 'baseline'
            )
        ) as feature,
        max(paired.model_value) filter (where paired.replicate = 0)
            as model_value,
        max(paired.baseline_value) filter (where paired.replicate = 0)
            as baseline_value,
        max(paired.gain) filter (where paired.replicate = 0) as gain,
        quantile_cont(paired.gain, 0.025) filter (where paired.replicate > 0)
            as gain_lower,
        quantile_cont(paired.gain, 0.975) filter (where paired.replicate > 0)
            as gain_upper,
    from paired
    inner join champions using (campaign)
    group by paired.campaign, paired.split, paired.predictor, paired.metric
)

select * from compared
