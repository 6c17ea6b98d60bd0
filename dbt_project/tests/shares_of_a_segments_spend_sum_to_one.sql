-- of segments, and of the groups that a segment buys
select
    campaign,
    segment_id,
    sum(share_of_spend) as whole,
from {{ ref('segment_purchases') }}
group by campaign, segment_id
having abs(sum(share_of_spend) - 1) > 1e-9

union all

select
    campaign,
    null as segment_id,
    sum(share_of_amount) as whole,
from {{ ref('segment_spending') }}
group by campaign
having abs(sum(share_of_amount) - 1) > 1e-9
