with campaigns as (
    {{ cleaned_rows('coupon', 'campaign_descriptions') }}
),

clean_values as (
    select
        -- ids
        campaign_id,

        -- text
        campaign_type,

        -- times
        start_date,
        end_date,
    from campaigns
)

select * from clean_values
