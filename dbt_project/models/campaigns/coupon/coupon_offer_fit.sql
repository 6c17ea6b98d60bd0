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
    select * from {{ ref('coupon_products') }}
),

offered_products as (
    select distinct
        coupons.campaign_id,
        coupons.product_id,
        products.category_number,
        products.type_number,
    from coupons
    left join products using (product_id)
),

offered_types as (
    select distinct
        campaign_id,
        type_number,
    from offered_products
),

offered_categories as (
    select distinct
        campaign_id,
        category_number,
    from offered_products
),

earlier_purchases as (
    select
        contacts.household_id,
        contacts.campaign_id,
        purchases.product_id,
        purchases.category_number,
        purchases.type_number,
        purchases.amount,
        purchases.has_coupon,
        date_diff(
            'day', cast(purchases.purchased_at as date), contacts.start_date
        ) as days_ago,
    from contacts
    inner join purchases
        on
            contacts.household_id = purchases.household_id
            and contacts.start_date > purchases.purchased_at
),

spent as (
    select
        household_id,
        campaign_id,
        cast(sum(amount) as double) as amount,
    from earlier_purchases
    group by household_id, campaign_id
),

first_purchases as (
    select
        household_id,
        category_number,
        min(purchased_at) as purchased_at,
    from purchases
    group by household_id, category_number
),

known_categories as (
    select
        contacts.household_id,
        contacts.campaign_id,
        count(first_purchases.category_number) as distinct_categories,
    from contacts
    inner join first_purchases
        on
            contacts.household_id = first_purchases.household_id
            and contacts.start_date > first_purchases.purchased_at
    group by contacts.household_id, contacts.campaign_id
),

-- only what lies in an offered category can be offered
products_bought as (
    select
        earlier_purchases.household_id,
        earlier_purchases.campaign_id,
        earlier_purchases.product_id,
        any_value(earlier_purchases.type_number) as type_number,
        any_value(offered_products.product_id) is not null as is_offered,
        any_value(offered_categories.category_number) is not null
            as is_offered_category,
        sum(earlier_purchases.amount) as amount,
        coalesce(sum(earlier_purchases.amount) filter (
            where earlier_purchases.days_ago <= 91
        ), 0) as amount_13w,
        count(*) filter (where earlier_purchases.days_ago <= 91) as lines_13w,
        count(*) filter (where earlier_purchases.has_coupon) as coupon_lines,
        min(earlier_purchases.days_ago) as days_ago,
    from earlier_purchases
    left join offered_categories using (campaign_id, category_number)
    left join offered_products using (campaign_id, product_id)
    where offered_categories.category_number is not null
        or offered_products.product_id is not null
    group by
        earlier_purchases.household_id,
        earlier_purchases.campaign_id,
        earlier_purchases.product_id
),

flagged as (
    select
        products_bought.*,
        offered_types.type_number is not null as is_offered_type,
    from products_bought
    left join offered_types using (campaign_id, type_number)
),

matched_coupons as (
    select
        flagged.household_id,
        flagged.campaign_id,
        count(distinct coupons.coupon_upc) as coupons_matched,
        count(distinct coupons.coupon_upc) filter (
            where flagged.days_ago <= 91
        ) as coupons_matched_13w,
        count(distinct coupons.coupon_upc) filter (
            where flagged.coupon_lines > 0
        ) as coupons_matched_used,
    from flagged
    inner join coupons using (campaign_id, product_id)
    where flagged.is_offered
    group by flagged.household_id, flagged.campaign_id
),

fitted as (
    select
        household_id,
        campaign_id,
        {% for level, is_offered in {
            'product': 'is_offered',
            'type': 'is_offered_type',
            'category': 'is_offered_category',
        }.items() %}
        cast(sum(lines_13w) filter (where {{ is_offered }}) as bigint)
            as {{ level }}_lines_13w,
        cast(sum(coupon_lines) filter (where {{ is_offered }}) as bigint)
            as {{ level }}_coupon_lines,
        cast(sum(amount) filter (where {{ is_offered }}) as double)
            as {{ level }}_spend,
        {% endfor %}
        cast(sum(amount_13w) filter (where is_offered) as double)
            as product_spend_13w,
        min(days_ago) filter (where is_offered) as days_since_product,
        count(distinct type_number) filter (where is_offered_type)
            as types_bought,
    from flagged
    group by household_id, campaign_id
),

joined as (
    select
        concat(spent.campaign_id, '-', spent.household_id) as contact_id,
        coalesce(known_categories.distinct_categories, 0)
            as distinct_categories,
        {% for counted in [
            'product_lines_13w', 'product_coupon_lines', 'type_lines_13w',
            'type_coupon_lines', 'category_lines_13w', 'category_coupon_lines',
            'product_spend_13w', 'types_bought',
        ] %}
        coalesce(fitted.{{ counted }}, 0) as {{ counted }},
        {% endfor %}
        fitted.days_since_product,
        coalesce(fitted.product_spend, 0) / nullif(spent.amount, 0)
            as product_spend_share,
        coalesce(fitted.category_spend, 0) / nullif(spent.amount, 0)
            as category_spend_share,
        coalesce(matched_coupons.coupons_matched, 0) as coupons_matched,
        coalesce(matched_coupons.coupons_matched_13w, 0) as coupons_matched_13w,
        coalesce(matched_coupons.coupons_matched_used, 0)
            as coupons_matched_used,
    from spent
    left join known_categories using (household_id, campaign_id)
    left join fitted using (household_id, campaign_id)
    left join matched_coupons using (household_id, campaign_id)
)

select * from joined
