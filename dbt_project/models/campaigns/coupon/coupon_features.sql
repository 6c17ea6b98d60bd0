with contacts as (
    select * from {{ ref('coupon_contacts') }}
),

shopping_habits as (
    select * from {{ ref('coupon_shopping_habits') }}
),

offer_fit as (
    select * from {{ ref('coupon_offer_fit') }}
),

redemption_habits as (
    select * from {{ ref('coupon_redemption_habits') }}
),

purchase_quintiles as (
    select * from {{ ref('coupon_purchase_quintiles') }}
),

households as (
    select * from {{ ref('stg_coupon__demographics') }}
),

join_tables as (
    select
        -- ids and times
        contacts.contact_id,
        contacts.household_id,
        contacts.campaign_id,
        contacts.start_date as as_of_date,
        -- the campaign's last day itself may bring a redemption
        cast(contacts.end_date + interval 1 day as date) as outcome_known_date,

        -- the household, its shopping, its liking for the offer, its redemptions
        try_cast(left(households.age_band, 2) as integer) as age_from,
        case
            when households.income_band ilike 'under%' then 0
            else
                try_cast(
                    regexp_extract(households.income_band, '^[0-9]+') as integer
                )
        end as income_from,
        households.household_id is not null as has_demographics,
        shopping_habits.* exclude (contact_id),
        offer_fit.* exclude (contact_id),
        redemption_habits.* exclude (contact_id),

        -- what a marketer without a model goes by
        purchase_quintiles.recency_frequency_value,

        -- the campaign
        contacts.coupon_count,

        -- outcome
        contacts.has_redeemed,
        contacts.split,
    from contacts
    left join shopping_habits using (contact_id)
    left join offer_fit using (contact_id)
    left join redemption_habits using (contact_id)
    left join purchase_quintiles using (campaign_id, household_id)
    left join households using (household_id)
)

select * from join_tables
