with campaigns as (
    {{ cleaned_rows('coupon', 'campaigns') }}
),

renamed as (
    select
        campaign_id,
        household_id,
    from campaigns
)

select * from renamed
