-- One row per campaign, baseline and metric on the judged rows. A gain is put so that
-- more is better, for losses too.
with

compared as (
    select
        baselines.*,
        if(baselines.better = 'higher', 1, -1) as sign,
        replace(baselines.feature, '_', ' ') as feature_name
    from results.conversion_baselines as baselines
    inner join results.campaigns as campaigns
        on baselines.campaign = campaigns.campaign
        and baselines.split = campaigns.judged_split
        -- F1 weighs both
        and baselines.metric not in ('precision', 'recall')
)

select
    compared.campaign,
    case compared.baseline
        when 'one_rule' then concat('one rule: by ', compared.feature_name)
        else replace(compared.baseline, '_', ' ')
    end as baseline,
    compared.metric,
    compared.metric_order,
    compared.metric_title as title,
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
