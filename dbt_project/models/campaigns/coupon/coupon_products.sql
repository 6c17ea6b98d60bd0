with products as (
    select * from {{ ref('stg_coupon__products') }}
),

number_rows as (
    select
        product_id,
        brand = 'private' as is_private_label,
        department,
        dense_rank() over (order by product_category) as category_number,
        dense_rank() over (order by product_category, product_type)
            as type_number,
        product_category is not null as has_category,
        product_type is not null as has_type,
    from products
)

select * from number_rows
