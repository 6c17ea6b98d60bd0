with coupon_redemptions as (
    select * from {{ ref('base_coupon__coupon_redemptions') }}
    where reject_reason is null
),

renamed as (
    select
        household_id,
        coupon_upc,
        campaign_id,
        redemption_date,
    from coupon_redemptions
)

select * from renamed
