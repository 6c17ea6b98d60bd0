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
        -- a product that the product file lacks
        coalesce(products.category_number, 0) as category_number,
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

trips as (
    select
        household_id,
        basket_id,
        min(purchased_at) as purchased_at,
        sum(amount) as amount,
    from purchases
    group by household_id, basket_id
),

spent as (
    select
        contacts.household_id,
        contacts.campaign_id,
        cast(sum(trips.amount) as double) as amount,
    from contacts
    inner join trips
        on
            contacts.household_id = trips.household_id
            and contacts.start_date > trips.purchased_at
    group by contacts.household_id, contacts.campaign_id
),

first_purchases as (
    select
        household_id,
        category_number,
        min(purchased_at) as purchased_at,
    from purchases
    where has_category
    group by household_id, category_number
),

known_categories as (
    select
        contacts.household_id,
        contacts.campaign_id,
        count(*) as distinct_categories,
    from contacts
    inner join first_purchases
        on
            contacts.household_id = first_purchases.household_id
            and contacts.start_date > first_purchases.purchased_at
    group by contacts.household_id, contacts.campaign_id
),

-- what is offered lies in an offered category: nothing else need be read
products_bought as (
    select
        contacts.household_id,
        contacts.campaign_id,
        purchases.product_id,
        any_value(purchases.type_number) as type_number,
        any_value(purchases.has_category) as is_offered_category,
        any_value(purchases.has_category and purchases.has_type) as has_type,
        sum(purchases.amount) as amount,
        coalesce(sum(purchases.amount) filter (
            where purchases.purchased_at
            >= contacts.start_date - interval 91 day
        ), 0) as amount_13w,
        count(*) filter (
            where purchases.purchased_at
            >= contacts.start_date - interval 91 day
        ) as lines_13w,
        count(*) filter (where purchases.has_coupon) as coupon_lines,
        date_diff(
            'day',
            cast(max(purchases.purchased_at) as date),
            any_value(contacts.start_date)
        ) as days_ago,
    from contacts
    inner join offered_categories using (campaign_id)
    inner join purchases
        on
            contacts.household_id = purchases.household_id
            and offered_categories.category_number = purchases.category_number
            and contacts.start_date > purchases.purchased_at
    group by
        contacts.household_id,
        contacts.campaign_id,
        purchases.product_id
),

add_flags as (
    select
        products_bought.*,
        offered_products.product_id is not null as is_offered,
        products_bought.has_type and offered_types.type_number is not null
            as is_offered_type,
    from products_bought
    left join offered_products using (campaign_id, product_id)
    left join offered_types
        on
            products_bought.campaign_id = offered_types.campaign_id
            and products_bought.type_number = offered_types.type_number
),

matched_coupons as (
    select
        add_flags.household_id,
        add_flags.campaign_id,
        count(distinct coupons.coupon_upc) as coupons_matched,
        count(distinct coupons.coupon_upc) filter (
            where add_flags.days_ago <= 91
        ) as coupons_matched_13w,
        count(distinct coupons.coupon_upc) filter (
            where add_flags.coupon_lines > 0
        ) as coupons_matched_used,
    from add_flags
    inner join coupons using (campaign_id, product_id)
    where add_flags.is_offered
    group by add_flags.household_id, add_flags.campaign_id
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
    from add_flags
    group by household_id, campaign_id
),

join_tables as (
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

select * from join_tables
