with campaigns as (
    select * from {{ ref('base_coupon__campaign_descriptions') }}
    where reject_reason is null
),

cleaned as (
    select
        -- ids
        campaign_id,

        -- text
        lower(campaign_type) as campaign_type,

        -- times
        start_date,
        end_date,
    from campaigns
)

select * from cleaned
