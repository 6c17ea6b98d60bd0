with campaigns as (
    select * from {{ ref('base_coupon__campaigns') }}
    where reject_reason is null
),

renamed as (
    select
        campaign_id,
        household_id,
    from campaigns
)

select * from renamed
