with coupons as (
    {{ cleaned_rows('coupon', 'coupons') }}
),

renamed as (
    select
        coupon_upc,
        product_id,
        campaign_id,
    from coupons
)

select * from renamed
