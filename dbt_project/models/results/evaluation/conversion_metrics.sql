{% set metrics = [
    'roc_auc', 'average_precision', 'f1', 'precision', 'recall', 'log_loss', 'brier',
    'top_decile_lift', 'expected_calibration_error',
] %}

with replicates as (
    select * from {{ ref('conversion_replicates') }}
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

-- contacting as many at random, or giving everybody the base rate
at_random as (
    select
        campaign,
        split,
        'random' as predictor,
        0 as replicate,
        0.5 as roc_auc,
        base_rate as average_precision,
        2 * base_rate * contacted_share / nullif(base_rate + contacted_share, 0)
            as f1,
        base_rate as precision,
        contacted_share as recall,
        -base_rate * ln(nullif(base_rate, 0))
        - (1 - base_rate) * ln(nullif(1 - base_rate, 0)) as log_loss,
        base_rate * (1 - base_rate) as brier,
        1.0 as top_decile_lift,
        0.0 as expected_calibration_error,
        base_rate,
        contacted_share,
    from replicates
    where predictor = 'model' and replicate = 0
),

measured as (
    select * from replicates

    union all

    select * from at_random
),

listed as (
    select
        campaign,
        split,
        predictor,
        replicate,
        metric,
        value,
    from measured
    unpivot include nulls (
        value for metric in ({{ metrics | join(', ') }})
    )
),

summarised as (
    select
        campaign,
        split,
        metric,
        {% for predictor in ['model', 'one_rule', 'random'] %}
        max(value) filter (
            where predictor = '{{ predictor }}' and replicate = 0
        ) as {{ predictor }}_value,
        {% endfor %}
        quantile_cont(value, 0.025) filter (
            where predictor = 'model' and replicate > 0
        ) as lower,
        quantile_cont(value, 0.975) filter (
            where predictor = 'model' and replicate > 0
        ) as upper,
        -- resampling adds gaps of its own, so that no interval of it is honest
        metric != 'expected_calibration_error' as has_interval,
    from listed
    group by campaign, split, metric
),

labelled as (
    select
        summarised.campaign,
        champions.model_version,
        summarised.split,
        summarised.metric,
        summarised.model_value as value,
        case when summarised.has_interval then summarised.lower end as lower,
        case when summarised.has_interval then summarised.upper end as upper,
        summarised.one_rule_value as baseline_value,
        summarised.random_value,
        champions.baseline_rule,
    from summarised
    inner join champions using (campaign)
)

select * from labelled
