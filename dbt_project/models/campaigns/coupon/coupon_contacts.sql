with contacts as (
    select * from {{ ref('stg_coupon__campaigns') }}
),

campaigns as (
    select * from {{ ref('coupon_campaigns') }}
    where split != 'left out'
),

redeemers as (
    select distinct
        household_id,
        campaign_id,
    from {{ ref('stg_coupon__coupon_redemptions') }}
),

add_labels as (
    select
        concat(contacts.campaign_id, '-', contacts.household_id) as contact_id,
        contacts.household_id,
        contacts.campaign_id,
        campaigns.start_date,
        campaigns.end_date,
        campaigns.coupon_count,
        campaigns.split,
        case
            when campaigns.split != 'score'
                then redeemers.household_id is not null
        end as has_redeemed,
    from contacts
    inner join campaigns using (campaign_id)
    left join redeemers using (household_id, campaign_id)
)

select * from add_labels
