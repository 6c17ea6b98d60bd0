-- One row per campaign, split that no model has seen, and metric, in the order and
-- the words in which a page shows them.
with

metric_names (metric, metric_order, title, better) as (
    values
        ('roc_auc', 1, 'ROC AUC', 'higher'),
        ('average_precision', 2, 'Average precision', 'higher'),
        ('top_decile_lift', 3, 'Lift in the best tenth', 'higher'),
        ('f1', 4, 'F1 at the threshold', 'higher'),
        ('precision', 5, 'Precision at the threshold', 'higher'),
        ('recall', 6, 'Recall at the threshold', 'higher'),
        ('expected_calibration_error', 7, 'Calibration error', 'lower'),
        ('log_loss', 8, 'Log loss', 'lower'),
        ('brier', 9, 'Brier score', 'lower')
),

unseen_metrics as (
    select
        metrics.*,
        metric_names.metric_order,
        metric_names.title,
        metric_names.better,
        metrics.split = campaigns.judged_split as is_judged
    from results.conversion_metrics as metrics
    inner join results.campaigns as campaigns
        on metrics.campaign = campaigns.campaign
        and metrics.model_version = campaigns.model_version
        and metrics.split != 'train'
    inner join metric_names on metrics.metric = metric_names.metric
)

select
    unseen_metrics.campaign,
    unseen_metrics.split,
    if(unseen_metrics.split = 'forward', 'later rows', 'test rows')
        as split_name,
    unseen_metrics.is_judged,
    unseen_metrics.metric,
    unseen_metrics.metric_order,
    unseen_metrics.title,
    unseen_metrics.better,
    unseen_metrics.value,
    unseen_metrics.lower,
    unseen_metrics.upper,
    unseen_metrics.baseline_value,
    replace(unseen_metrics.baseline_rule, '_', ' ') as baseline_rule,
    unseen_metrics.random_value
from (select 1) as guard
left join unseen_metrics on true
