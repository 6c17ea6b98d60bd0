with contacted_households as (
    select distinct household_id from {{ ref('coupon_contacts') }}
),

transactions as (
    select * from {{ ref('stg_coupon__transactions') }}
    where line_kind = 'purchase'
),

products as (
    select * from {{ ref('coupon_products') }}
),

add_descriptions as (
    select
        transactions.household_id,
        transactions.basket_id,
        transactions.product_id,
        transactions.purchased_at,
        -- decimals: sums of doubles depend on the order of rows
        cast(transactions.amount as decimal(18, 4)) as amount,
        cast(transactions.coupon_match_discount as decimal(18, 4))
            as coupon_match_discount,
        transactions.coupon_discount > 0 as has_coupon,
        products.is_private_label,
        products.department,
        -- a product that the product file lacks
        coalesce(products.category_number, 0) as category_number,
        products.type_number,
        coalesce(products.has_category, false) as has_category,
        coalesce(products.has_type, false) as has_type,
    from transactions
    inner join contacted_households using (household_id)
    left join products using (product_id)
)

select * from add_descriptions
