-- One row per campaign and range of predicted probability: how many of the judged rows
-- lie in it, how many of them converted, and how many of those who wait for a decision.
with

judged as (
    select
        counts.campaign,
        counts.bin,
        counts.lower as lower_probability,
        counts.upper as upper_probability,
        sum(counts.row_count) filter (where counts.split = campaigns.judged_split)
            as row_count,
        sum(counts.converted) filter (where counts.split = campaigns.judged_split)
            as converted,
        sum(counts.row_count) filter (where counts.split = 'score') as waiting_count
    from results.conversion_score_counts as counts
    inner join results.campaigns as campaigns
        on counts.campaign = campaigns.campaign
    where campaigns.variant_of is null
    group by all
),

shared as (
    select
        *,
        row_count / sum(row_count) over (partition by campaign) as share_of_judged,
        case
            when waiting_count >= 10
                then waiting_count / sum(waiting_count) over (partition by campaign)
        end as share_of_waiting
    from judged
)

select
    shared.campaign,
    shared.bin,
    shared.lower_probability,
    shared.upper_probability,
    shared.row_count,
    shared.converted,
    shared.converted / shared.row_count as conversion_rate,
    shared.share_of_judged,
    shared.share_of_waiting
from (select 1) as guard
left join shared on shared.row_count >= 10
