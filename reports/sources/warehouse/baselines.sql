-- One row per campaign, baseline and metric on the judged rows. A gain is put so that
-- more is better, for losses too.
with

metric_names (metric, metric_order, title, sign) as (
    values
        ('roc_auc', 1, 'ROC AUC', 1),
        ('average_precision', 2, 'Average precision', 1),
        ('top_decile_lift', 3, 'Lift in the best tenth', 1),
        ('f1', 4, 'F1 at the threshold', 1),
        ('log_loss', 5, 'Log loss', -1),
        ('brier', 6, 'Brier score', -1)
),

compared as (
    select
        baselines.*,
        metric_names.metric_order,
        metric_names.title,
        metric_names.sign,
        replace(baselines.feature, '_', ' ') as feature_name
    from results.conversion_baselines as baselines
    inner join results.campaigns as campaigns
        on baselines.campaign = campaigns.campaign
        and baselines.split = campaigns.judged_split
    inner join metric_names on baselines.metric = metric_names.metric
)

select
    compared.campaign,
    case compared.baseline
        when 'one_rule' then concat('one rule: by ', compared.feature_name)
        else replace(compared.baseline, '_', ' ')
    end as baseline,
    compared.metric,
    compared.metric_order,
    compared.title,
    compared.model_value,
    compared.baseline_value,
    compared.sign * compared.gain as gain,
    least(compared.sign * compared.gain_lower, compared.sign * compared.gain_upper)
        as gain_from,
    greatest(compared.sign * compared.gain_lower, compared.sign * compared.gain_upper)
        as gain_to,
    case
        when gain_from > 0 then 'better'
        when gain_to < 0 then 'worse'
        else 'may be chance'
    end as verdict
from (select 1) as guard
left join compared on true
