-- in each split of each campaign exactly one threshold is the policy's
select
    campaign,
    split,
    count(*) filter (where is_chosen) as chosen,
from {{ ref('conversion_thresholds') }}
group by campaign, split
having count(*) filter (where is_chosen) != 1
