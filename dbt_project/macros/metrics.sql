{#
    Every published metric, in the order in which reports show them. `name`: its column in conversion_replicates,
    where its formula is. `at_random`: SQL of its value for as many contacts at random, or for giving everybody
    the base rate. `has_interval`: resampling adds calibration gaps of its own, so no interval of them is honest.
#}
{% macro metrics() -%}
    {{ return([
        {'name': 'roc_auc', 'title': 'ROC AUC', 'better': 'higher', 'at_random': '0.5'},
        {'name': 'average_precision', 'title': 'Average precision', 'better': 'higher', 'at_random': 'base_rate'},
        {'name': 'top_decile_lift', 'title': 'Lift in the best decile', 'better': 'higher', 'at_random': '1.0'},
        {'name': 'f1', 'title': 'F1 at the threshold', 'better': 'higher',
            'at_random': '2 * base_rate * contacted_share / nullif(base_rate + contacted_share, 0)'},
        {'name': 'precision', 'title': 'Precision at the threshold', 'better': 'higher', 'at_random': 'base_rate'},
        {'name': 'recall', 'title': 'Recall at the threshold', 'better': 'higher', 'at_random': 'contacted_share'},
        {'name': 'expected_calibration_error', 'title': 'Calibration error', 'better': 'lower', 'at_random': '0.0',
            'has_interval': false},
        {'name': 'log_loss', 'title': 'Log loss', 'better': 'lower',
            'at_random': '-base_rate * ln(nullif(base_rate, 0))'
                ~ ' - (1 - base_rate) * ln(nullif(1 - base_rate, 0))'},
        {'name': 'brier', 'title': 'Brier score', 'better': 'lower', 'at_random': 'base_rate * (1 - base_rate)'},
    ]) }}
{%- endmacro %}

{# SQL of one row per metric: metric, metric_order, metric_title, better, has_interval. #}
{% macro metric_names() -%}
    {%- for metric in metrics() %}
    select
        '{{ metric.name }}' as metric,
        cast({{ loop.index }} as bigint) as metric_order,
        '{{ metric.title }}' as metric_title,
        '{{ metric.better }}' as better,
        {{ metric.get('has_interval', true) }} as has_interval,
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}
