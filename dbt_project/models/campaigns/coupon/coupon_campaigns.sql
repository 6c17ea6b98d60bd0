with campaigns as (
    select * from {{ ref('stg_coupon__campaign_descriptions') }}
),

coupons as (
    select
        campaign_id,
        count(distinct coupon_upc) as coupon_count,
    from {{ ref('stg_coupon__coupons') }}
    group by campaign_id
),

data_days as (
    select
        cast(min(purchased_at) as date) as first_date,
        cast(max(purchased_at) as date) as last_date,
    from {{ ref('stg_coupon__transactions') }}
),

add_verdicts as (
    select
        campaigns.*,
        coupons.coupon_count,
        case
            when campaigns.start_date <= data_days.first_date
                then 'starts before the first transaction: no history'
        end as left_out_reason,
        campaigns.end_date <= data_days.last_date as is_ripe,
    from campaigns
    left join coupons using (campaign_id)
    cross join data_days
),

order_rows as (
    select
        *,
        row_number() over (
            partition by left_out_reason is null and is_ripe
            order by start_date desc, campaign_id desc
        ) as recency,
        count(*) over (partition by left_out_reason is null and is_ripe)
            as campaign_count,
    from add_verdicts
),

assign_rows as (
    select
        campaign_id,
        campaign_type,
        start_date,
        end_date,
        coupon_count,
        left_out_reason,
        case
            when left_out_reason is not null then 'left out'
            when not is_ripe then 'score'
            when recency <= ceil(campaign_count * {{ var('test_share') }})
                then 'test'
            else 'train'
        end as split,
    from order_rows
)

select * from assign_rows
