-- About 200 thresholds per campaign, evenly spread over the judged rows, and the
-- chosen one. Other groups of under ten rows stay out.
with

judged_thresholds as (
    select
        thresholds.*,
        thresholds.contacted / campaigns.judged_count as share_contacted,
        row_number() over thresholds_of_campaign as threshold_number,
        count(*) over (partition by thresholds.campaign) as threshold_count
    from results.conversion_thresholds as thresholds
    inner join results.campaigns as campaigns
        on thresholds.campaign = campaigns.campaign
        and thresholds.split = campaigns.judged_split
    where thresholds.contacted >= 10 or thresholds.is_chosen
    window thresholds_of_campaign as (
        partition by thresholds.campaign order by thresholds.threshold
    )
),

thinned as (
    select * from judged_thresholds
    where
        is_chosen
        or (threshold_number - 1) % greatest(threshold_count // 200, 1) = 0
)

select
    thinned.campaign,
    thinned.threshold,
    thinned.share_contacted,
    thinned.contacted,
    thinned.true_positives,
    thinned.false_positives,
    thinned.precision,
    thinned.recall,
    thinned.f1,
    thinned.expected_profit,
    thinned.is_chosen
from (select 1) as guard
left join thinned on true
