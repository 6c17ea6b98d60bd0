-- One row per campaign, split that no model has seen, and metric, in the order and
-- the words in which a page shows them.
with

unseen_metrics as (
    select
        metrics.*,
        metrics.split = campaigns.judged_split as is_judged
    from results.conversion_metrics as metrics
    inner join results.campaigns as campaigns
        on metrics.campaign = campaigns.campaign
        and metrics.model_version = campaigns.model_version
        and metrics.split != 'train'
)

select
    unseen_metrics.campaign,
    unseen_metrics.split,
    if(unseen_metrics.split = 'forward', 'later rows', 'test rows')
        as split_name,
    unseen_metrics.is_judged,
    unseen_metrics.metric,
    unseen_metrics.metric_order,
    unseen_metrics.metric_title as title,
    unseen_metrics.better,
    unseen_metrics.value,
    unseen_metrics.lower,
    unseen_metrics.upper,
    unseen_metrics.baseline_value,
    replace(unseen_metrics.baseline_rule, '_', ' ') as baseline_rule,
    unseen_metrics.random_value
from (select 1) as guard
left join unseen_metrics on true
