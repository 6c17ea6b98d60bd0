with contacted_households as (
    select distinct household_id from {{ ref('coupon_contacts') }}
),

transactions as (
    select * from {{ ref('stg_coupon__transactions') }}
    where line_kind = 'purchase'
),

products as (
    select * from {{ ref('stg_coupon__products') }}
),

described as (
    select
        transactions.household_id,
        transactions.basket_id,
        transactions.product_id,
        transactions.purchased_at,
        transactions.amount,
        transactions.coupon_match_discount,
        transactions.coupon_discount > 0 as has_coupon,
        products.brand = 'private' as is_private_label,
        products.department,
        products.product_category,
        products.product_type,
    from transactions
    inner join contacted_households using (household_id)
    left join products using (product_id)
)

select * from described
