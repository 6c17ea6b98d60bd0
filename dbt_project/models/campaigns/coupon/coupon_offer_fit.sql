with contacts as (
    select * from {{ ref('coupon_contacts') }}
),

purchases as (
    select * from {{ ref('coupon_purchases') }}
),

coupons as (
    select * from {{ ref('stg_coupon__coupons') }}
),

products as (
    select * from {{ ref('stg_coupon__products') }}
),

offered_products as (
    select distinct
        coupons.campaign_id,
        coupons.product_id,
        products.product_category,
        products.product_type,
    from coupons
    left join products using (product_id)
),

offered_types as (
    select distinct
        campaign_id,
        product_category,
        product_type,
    from offered_products
),

offered_categories as (
    select distinct
        campaign_id,
        product_category,
    from offered_products
),

earlier_purchases as (
    select
        contacts.contact_id,
        contacts.campaign_id,
        purchases.product_id,
        purchases.product_category,
        purchases.product_type,
        purchases.amount,
        purchases.has_coupon,
        date_diff(
            'day', cast(purchases.purchased_at as date), contacts.start_date
        )
            as days_ago,
    from contacts
    inner join purchases
        on
            contacts.household_id = purchases.household_id
            and contacts.start_date > purchases.purchased_at
),

-- one row per contact and product: some millions of lines become far fewer
products_bought as (
    select
        contact_id,
        campaign_id,
        product_id,
        any_value(product_category) as product_category,
        any_value(product_type) as product_type,
        sum(amount) as amount,
        coalesce(sum(amount) filter (where days_ago <= 91), 0) as amount_13w,
        count(*) filter (where days_ago <= 91) as lines_13w,
        count(*) filter (where has_coupon) as coupon_lines,
        min(days_ago) as days_ago,
    from earlier_purchases
    group by contact_id, campaign_id, product_id
),

flagged as (
    select
        products_bought.*,
        offered_products.product_id is not null as is_offered,
        offered_types.product_type is not null as is_offered_type,
        offered_categories.product_category is not null as is_offered_category,
    from products_bought
    left join offered_products using (campaign_id, product_id)
    left join offered_types
        on
            products_bought.campaign_id = offered_types.campaign_id
            and products_bought.product_category
            = offered_types.product_category
            and products_bought.product_type = offered_types.product_type
    left join offered_categories
        on
            products_bought.campaign_id = offered_categories.campaign_id
            and products_bought.product_category
            = offered_categories.product_category
),

matched_coupons as (
    select
        flagged.contact_id,
        count(distinct coupons.coupon_upc) as coupons_matched,
        count(distinct coupons.coupon_upc) filter (where flagged.days_ago <= 91)
            as coupons_matched_13w,
        count(distinct coupons.coupon_upc) filter (
            where flagged.coupon_lines > 0
        )
            as coupons_matched_used,
    from flagged
    inner join coupons using (campaign_id, product_id)
    where flagged.is_offered
    group by flagged.contact_id
),

fitted as (
    select
        contact_id,
        count(distinct product_category) as distinct_categories,
        {% for level, is_offered in {
            'product': 'is_offered',
            'type': 'is_offered_type',
            'category': 'is_offered_category',
        }.items() %}
        coalesce(cast(
            sum(lines_13w) filter (where {{ is_offered }}) as bigint
        ), 0) as {{ level }}_lines_13w,
        coalesce(cast(
            sum(coupon_lines) filter (where {{ is_offered }}) as bigint
        ), 0) as {{ level }}_coupon_lines,
        coalesce(sum(amount) filter (where {{ is_offered }}), 0)
        / nullif(sum(amount), 0) as {{ level }}_spend_share,
        {% endfor %}
        coalesce(sum(amount_13w) filter (where is_offered), 0)
            as product_spend_13w,
        min(days_ago) filter (where is_offered) as days_since_product,
        count(distinct product_type) filter (where is_offered_type)
            as types_bought,
    from flagged
    group by contact_id
),

joined as (
    select
        fitted.* exclude (fitted.type_spend_share),
        coalesce(matched_coupons.coupons_matched, 0) as coupons_matched,
        coalesce(matched_coupons.coupons_matched_13w, 0) as coupons_matched_13w,
        coalesce(matched_coupons.coupons_matched_used, 0)
            as coupons_matched_used,
    from fitted
    left join matched_coupons using (contact_id)
)

select * from joined
