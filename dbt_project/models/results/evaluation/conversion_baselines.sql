with replicates as (
    select * from {{ ref('conversion_replicates') }}
    where split != 'train'
),

metric_names as (
    {{ metric_names() }}
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

list_metrics as (
    select
        campaign,
        split,
        predictor,
        replicate,
        metric,
        value,
    from replicates
    unpivot include nulls (
        value for metric in (
            {{ metrics() | map(attribute='name') | join(', ') }}
        )
    )
),

-- the same draw of customers for both, so that the gain has an interval
pair_draws as (
    select
        models.campaign,
        models.split,
        baselines.predictor,
        models.metric,
        models.replicate,
        models.value as model_value,
        baselines.value as baseline_value,
        models.value - baselines.value as gain,
    from list_metrics as models
    inner join list_metrics as baselines
        using (campaign, split, metric, replicate)
    where models.predictor = 'model' and baselines.predictor != 'model'
),

sum_up_gains as (
    select
        pair_draws.campaign,
        pair_draws.split,
        if(
            pair_draws.predictor = 'declared',
            any_value(champions.declaration ->> 'baseline'),
            pair_draws.predictor
        ) as baseline,
        pair_draws.metric,
        any_value(metric_names.metric_order) as metric_order,
        any_value(metric_names.metric_title) as metric_title,
        any_value(metric_names.better) as better,
        any_value(
            if(
                pair_draws.predictor = 'one_rule',
                champions.baseline_rule,
                champions.declaration ->> 'baseline'
            )
        ) as feature,
        max(pair_draws.model_value) filter (where pair_draws.replicate = 0)
            as model_value,
        max(pair_draws.baseline_value) filter (where pair_draws.replicate = 0)
            as baseline_value,
        max(pair_draws.gain) filter (where pair_draws.replicate = 0) as gain,
        quantile_cont(pair_draws.gain, 0.025) filter (
            where pair_draws.replicate > 0
        ) as gain_lower,
        quantile_cont(pair_draws.gain, 0.975) filter (
            where pair_draws.replicate > 0
        ) as gain_upper,
    from pair_draws
    inner join champions using (campaign)
    inner join metric_names using (metric)
    -- a gain in what has no honest interval has none either
    where metric_names.has_interval
    group by
        pair_draws.campaign,
        pair_draws.split,
        pair_draws.predictor,
        pair_draws.metric
)

select * from sum_up_gains
