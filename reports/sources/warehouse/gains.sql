-- One row per campaign and tenth of its judged rows, best first. The guard keeps
-- the table alive where no campaign has a model: a source must not be empty.
with

judged_gains as (
    select gains.*
    from results.conversion_gains as gains
    inner join results.campaigns as campaigns
        on gains.campaign = campaigns.campaign
        and gains.split = campaigns.judged_split
    where gains.contacted >= 10
)

select
    judged_gains.campaign,
    judged_gains.decile,
    judged_gains.contacted,
    judged_gains.converted,
    judged_gains.conversion_rate,
    judged_gains.lift,
    judged_gains.decile / 10 as share_of_rows,
    judged_gains.decile / 10 as at_random,
    judged_gains.cumulative_share_of_conversions as with_the_model
from (select 1) as guard
left join judged_gains on true
