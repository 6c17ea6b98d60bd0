with coupon_products as (
    select * from {{ ref('stg_coupon__products') }}
),

conformed as (
    select
        'coupon' as source,
        cast(product_id as varchar) as product_id,
        cast(manufacturer_id as varchar) as manufacturer_id,
        coalesce(brand = 'private', false) as is_private_label,
        department,
        product_category,
        product_type,
    from coupon_products
)

select * from conformed
