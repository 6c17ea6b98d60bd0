with coupons as (
    {{ cleaned_rows('coupon', 'coupons') }}
),

rename_columns as (
    select
        coupon_upc,
        product_id,
        campaign_id,
    from coupons
)

select * from rename_columns
