-- One row per campaign, segment and product group that at least ten members of
-- the segment bought.
with

purchases as (
    select purchases.*
    from results.segment_purchases as purchases
    inner join results.segments as segments
        on purchases.campaign = segments.campaign
        and purchases.segment_id = segments.segment_id
    where
        not purchases.is_small
        and not segments.is_small
)

select
    purchases.campaign,
    purchases.segment_id,
    purchases.product_group,
    purchases.customer_count,
    purchases.share_of_spend,
    purchases.share_of_all_spend,
    purchases.index_value
from (select 1) as guard
left join purchases on true
