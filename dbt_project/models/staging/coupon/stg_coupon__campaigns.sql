with campaigns as (
    {{ cleaned_rows('coupon', 'campaigns') }}
),

rename_columns as (
    select
        campaign_id,
        household_id,
    from campaigns
)

select * from rename_columns
