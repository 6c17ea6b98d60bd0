with products as (
    select * from {{ ref('base_coupon__products') }}
    where reject_reason is null
),

cleaned as (
    select
        -- ids
        product_id,
        manufacturer_id,

        -- text
        lower(department) as department,
        lower(brand) as brand,
        case
            when product_category not ilike '%unknown%'
                then lower(product_category)
        end as product_category,
        case
            when product_type not ilike '%unknown%'
                then lower(product_type)
        end as product_type,
        package_size,

        -- where it came from
        file_name,
        row_number,
    from products
)

select * from cleaned
