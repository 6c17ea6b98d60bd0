-- About 200 thresholds per campaign, evenly spread over the judged rows, and the
-- chosen one. Groups of under ten rows stay out.
with

judged_thresholds as (
    select
        thresholds.*,
        row_number() over thresholds_of_campaign as threshold_number,
        count(*) over (partition by thresholds.campaign) as threshold_count
    from results.conversion_thresholds as thresholds
    inner join results.campaigns as campaigns
        on thresholds.campaign = campaigns.campaign
        and thresholds.split = campaigns.judged_split
    where
        thresholds.contacted >= 10
        and campaigns.variant_of is null
    window thresholds_of_campaign as (
        partition by thresholds.campaign order by thresholds.threshold desc
    )
),

thinned as (
    select * from judged_thresholds
    where
        is_chosen
        or threshold_number = 1
        or floor(threshold_number * 200 / threshold_count)
        > floor((threshold_number - 1) * 200 / threshold_count)
)

select
    thinned.campaign,
    thinned.threshold,
    thinned.contacted,
    thinned.true_positives,
    thinned.false_positives,
    thinned.precision,
    thinned.recall,
    thinned.f1,
    thinned.total_cost,
    thinned.expected_profit,
    case when thinned.waiting_count >= 10 then thinned.waiting_count end as waiting_count,
    thinned.is_chosen
from (select 1) as guard
left join thinned on true
