with products as (
    select * from {{ ref('stg_coupon__products') }}
),

numbered as (
    select
        product_id,
        brand = 'private' as is_private_label,
        department,
        case
            when product_category is not null
                then dense_rank() over (order by product_category)
        end as category_number,
        case
            when product_category is not null and product_type is not null
                then dense_rank() over (order by product_category, product_type)
        end as type_number,
    from products
)

select * from numbered
