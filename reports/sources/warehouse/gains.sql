-- One row per campaign and tenth of its test rows, best first. The guard keeps
-- the table alive where no campaign has a model: a source must not be empty.
with

test_gains as (
    select gains.*
    from results.conversion_gains as gains
    inner join results.campaigns as campaigns
        on gains.campaign = campaigns.campaign
        and gains.split = campaigns.judged_split
    where gains.contacted >= 10
)

select
    test_gains.campaign,
    test_gains.decile,
    test_gains.contacted,
    test_gains.converted,
    test_gains.conversion_rate,
    test_gains.lift,
    test_gains.decile / 10 as share_of_rows,
    test_gains.decile / 10 as at_random,
    test_gains.cumulative_share_of_conversions as with_the_model
from (select 1) as guard
left join test_gains on true
