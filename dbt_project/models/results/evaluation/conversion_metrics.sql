with replicates as (
    select * from {{ ref('conversion_replicates') }}
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

metric_names as (
    {{ metric_names() }}
),

at_random as (
    select
        campaign,
        split,
        'random' as predictor,
        0 as replicate,
        {% for metric in metrics() %}
        {{ metric.at_random }} as {{ metric.name }},
        {% endfor %}
        base_rate,
        contacted_share,
    from replicates
    where predictor = 'model' and replicate = 0
),

add_random as (
    select * from replicates

    union all

    select * from at_random
),

list_metrics as (
    select
        campaign,
        split,
        predictor,
        replicate,
        metric,
        value,
    from add_random
    unpivot include nulls (
        value for metric in (
            {{ metrics() | map(attribute='name') | join(', ') }}
        )
    )
),

place_values as (
    select
        *,
        {{ replicate_places('value', 'campaign, split, predictor, metric') }},
    from list_metrics
),

sum_up_replicates as (
    select
        campaign,
        split,
        metric,
        {% for predictor in ['model', 'one_rule', 'random'] %}
        max(value) filter (
            where predictor = '{{ predictor }}' and replicate = 0
        ) as {{ predictor }}_value,
        {% endfor %}
        {{ replicate_bound('value', 0.025) }} filter (
            where predictor = 'model' and replicate > 0
        ) as lower,
        {{ replicate_bound('value', 0.975) }} filter (
            where predictor = 'model' and replicate > 0
        ) as upper,
    from place_values
    group by campaign, split, metric
),

add_names as (
    select
        sum_up_replicates.campaign,
        champions.model_version,
        sum_up_replicates.split,
        sum_up_replicates.metric,
        metric_names.metric_order,
        metric_names.metric_title,
        metric_names.better,
        sum_up_replicates.model_value as value,
        case when metric_names.has_interval then sum_up_replicates.lower end
            as lower,
        case when metric_names.has_interval then sum_up_replicates.upper end
            as upper,
        sum_up_replicates.one_rule_value as baseline_value,
        sum_up_replicates.random_value,
        champions.baseline_rule,
    from sum_up_replicates
    inner join champions using (campaign)
    inner join metric_names using (metric)
)

select * from add_names
