with segmenters as (
    select * from {{ ref('segmenters') }}
),

members as (
    select * from {{ ref('segment_members') }}
),

spending as (
    select * from {{ ref('customer_spending') }}
),

sum_rows as (
    select
        members.campaign,
        members.segment_id,
        count(*) as customer_count,
        avg(spending.recency_days) as mean_recency_days,
        avg(spending.basket_count) as mean_basket_count,
        -- decimals: sums of doubles depend on the order of rows
        sum(cast(spending.total_amount as decimal(18, 2))) as amount,
    from members
    inner join segmenters using (campaign)
    inner join spending
        on
            segmenters.source = spending.source
            and members.entity_id = spending.customer_id
    group by members.campaign, members.segment_id
),

shares as (
    select
        campaign,
        segment_id,
        customer_count,
        customer_count < {{ var('smallest_cell') }} as is_small,
        mean_recency_days,
        mean_basket_count,
        cast(amount as double) / customer_count as mean_amount,
        cast(amount as double) / nullif(cast(
            sum(amount) over (partition by campaign) as double
        ), 0) as share_of_amount,
    from sum_rows
)

select * from shares
