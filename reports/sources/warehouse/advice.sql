-- One row per campaign with a declared outcome: whether its model may go on, and why.
with

newest_windows as (
    select
        campaign,
        window_start,
        count(*) filter (where feature_kind = 'feature') as feature_count
    from results.conversion_drift
    group by campaign, window_start
)

select
    advice.campaign,
    campaigns.title,
    advice.advice,
    case advice.advice
        when 'keep' then 'may go on'
        when 'watch' then 'may go on, watch it'
        when 'retrain' then 'train it again'
        else 'no model'
    end as verdict,
    case advice.advice
        when 'retrain' then 1
        when 'watch' then 2
        when 'refused' then 3
        else 4
    end as verdict_order,
    replace(advice.reason, '_', ' ') as reason,
    advice.model_age_days,
    strftime(advice.newest_window, '%-d %b %Y') as newest_window,
    newest_windows.feature_count,
    advice.drifted_feature_count,
    advice.score_psi,
    advice.realised_to_expected,
    concat('/campaigns/', advice.campaign, '/monitoring/') as path,
    strftime(advice.checked_at, '%-d %B %Y') as checked_on
from (select 1) as guard
left join results.retrain_advice as advice
    on advice.campaign in (select campaign from results.campaigns where variant_of is null)
left join results.campaigns as campaigns on advice.campaign = campaigns.campaign
left join newest_windows
    on advice.campaign = newest_windows.campaign
    and advice.newest_window = newest_windows.window_start
order by verdict_order, campaigns.title
