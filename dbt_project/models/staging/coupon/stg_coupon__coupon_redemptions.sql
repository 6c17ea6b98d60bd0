with coupon_redemptions as (
    {{ cleaned_rows('coupon', 'coupon_redemptions') }}
),

rename_columns as (
    select
        household_id,
        coupon_upc,
        campaign_id,
        redemption_date,
    from coupon_redemptions
)

select * from rename_columns
