with contacts as (
    select * from {{ ref('coupon_contacts') }}
),

campaigns as (
    select * from {{ ref('stg_coupon__campaign_descriptions') }}
),

all_contacts as (
    select * from {{ ref('stg_coupon__campaigns') }}
),

redemptions as (
    select * from {{ ref('stg_coupon__coupon_redemptions') }}
),

coupons as (
    select * from {{ ref('stg_coupon__coupons') }}
),

products as (
    select * from {{ ref('stg_coupon__products') }}
),

coupon_categories as (
    select distinct
        coupons.campaign_id,
        coupons.coupon_upc,
        products.product_category,
    from coupons
    inner join products using (product_id)
),

earlier_redemptions as (
    select
        contacts.contact_id,
        contacts.campaign_id,
        redemptions.campaign_id as redeemed_campaign_id,
        redemptions.coupon_upc,
        date_diff('day', redemptions.redemption_date, contacts.start_date)
            as days_ago,
    from contacts
    inner join redemptions
        on
            contacts.household_id = redemptions.household_id
            and contacts.start_date > redemptions.redemption_date
),

redeemed as (
    select
        contact_id,
        count(*) as coupons_redeemed,
        count(*) filter (where days_ago <= 91) as coupons_redeemed_13w,
        count(distinct redeemed_campaign_id) as campaigns_redeemed,
        min(days_ago) as days_since_last_redemption,
    from earlier_redemptions
    group by contact_id
),

redeemed_categories as (
    select
        earlier_redemptions.contact_id,
        count(distinct earlier_redemptions.coupon_upc)
            as category_coupons_redeemed,
    from earlier_redemptions
    inner join coupon_categories as redeemed_coupons
        on
            earlier_redemptions.redeemed_campaign_id
            = redeemed_coupons.campaign_id
            and earlier_redemptions.coupon_upc = redeemed_coupons.coupon_upc
    inner join coupon_categories as offered_coupons
        on
            earlier_redemptions.campaign_id = offered_coupons.campaign_id
            and redeemed_coupons.product_category
            = offered_coupons.product_category
    group by earlier_redemptions.contact_id
),

received as (
    select
        contacts.contact_id,
        count(*) as campaigns_received,
    from contacts
    inner join all_contacts using (household_id)
    inner join campaigns
        on
            all_contacts.campaign_id = campaigns.campaign_id
            and contacts.start_date > campaigns.start_date
    group by contacts.contact_id
),

join_tables as (
    select
        contacts.contact_id,
        coalesce(redeemed.coupons_redeemed, 0) as coupons_redeemed,
        coalesce(redeemed.coupons_redeemed_13w, 0) as coupons_redeemed_13w,
        coalesce(redeemed.campaigns_redeemed, 0) as campaigns_redeemed,
        redeemed.days_since_last_redemption,
        coalesce(redeemed.campaigns_redeemed, 0)
        / cast(received.campaigns_received as double)
            as campaign_redemption_rate,
        coalesce(redeemed_categories.category_coupons_redeemed, 0)
            as category_coupons_redeemed,
    from contacts
    left join redeemed using (contact_id)
    left join redeemed_categories using (contact_id)
    left join received using (contact_id)
)

select * from join_tables
