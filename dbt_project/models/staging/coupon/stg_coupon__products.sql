with products as (
    {{ cleaned_rows('coupon', 'products') }}
),

clean_values as (
    select
        -- ids
        product_id,
        manufacturer_id,

        -- text
        department,
        brand,
        product_category,
        product_type,
        package_size,

        -- where it came from
        file_name,
        row_number,
    from products
)

select * from clean_values
