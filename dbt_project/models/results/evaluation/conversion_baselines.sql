with graded_splits as (
    select * from {{ ref('graded_splits') }}
),

-- training rows count only where they have to grade the model
replicates as (
    select replicates.*
    from {{ ref('conversion_replicates') }} as replicates
    inner join graded_splits using (campaign)
    where
        replicates.split != 'train' or graded_splits.graded_split = 'train'
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

place_gains as (
    select
        *,
        {{ replicate_places('gain', 'campaign, split, predictor, metric') }},
    from pair_draws
),

sum_up_gains as (
    select
        place_gains.campaign,
        place_gains.split,
        if(
            place_gains.predictor = 'declared',
            any_value(champions.declaration ->> 'baseline'),
            place_gains.predictor
        ) as baseline,
        place_gains.metric,
        any_value(metric_names.metric_order) as metric_order,
        any_value(metric_names.metric_title) as metric_title,
        any_value(metric_names.better) as better,
        any_value(
            if(
                place_gains.predictor = 'one_rule',
                champions.baseline_rule,
                champions.declaration ->> 'baseline'
            )
        ) as feature,
        max(place_gains.model_value) filter (where place_gains.replicate = 0)
            as model_value,
        max(place_gains.baseline_value) filter (where place_gains.replicate = 0)
            as baseline_value,
        max(place_gains.gain) filter (where place_gains.replicate = 0) as gain,
        {{ replicate_bound('place_gains.gain', 0.025) }} filter (
            where place_gains.replicate > 0
        ) as gain_lower,
        {{ replicate_bound('place_gains.gain', 0.975) }} filter (
            where place_gains.replicate > 0
        ) as gain_upper,
    from place_gains
    inner join champions using (campaign)
    inner join metric_names using (metric)
    -- a gain in what has no honest interval has none either
    where metric_names.has_interval
    group by
        place_gains.campaign,
        place_gains.split,
        place_gains.predictor,
        place_gains.metric
)

select * from sum_up_gains
