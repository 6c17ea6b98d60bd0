with coupons as (
    select * from {{ ref('base_coupon__coupons') }}
    where reject_reason is null
),

renamed as (
    select
        coupon_upc,
        product_id,
        campaign_id,
    from coupons
)

select * from renamed
