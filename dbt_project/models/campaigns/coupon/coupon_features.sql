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

households as (
    select * from {{ ref('stg_coupon__households') }}
),

joined as (
    select
        -- ids and times
        contacts.contact_id,
        contacts.household_id,
        contacts.campaign_id,
        contacts.start_date as as_of_date,

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

        -- the campaign
        contacts.coupon_count,

        -- outcome
        contacts.has_redeemed,
        contacts.split,
    from contacts
    left join shopping_habits using (contact_id)
    left join offer_fit using (contact_id)
    left join redemption_habits using (contact_id)
    left join households using (household_id)
)

select * from joined
