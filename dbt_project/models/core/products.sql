with coupon_products as (
    select * from {{ ref('stg_coupon__products') }}
),

invoice_lines as (
    select * from {{ ref('stg_online_retail__invoice_lines') }}
),

top_ups as (
    select * from {{ ref('stg_app_install__transactions') }}
),

-- a product is described anew on every line: the wording most often sold is taken
worded as (
    select
        product_id,
        is_merchandise,
        description,
        count(*) as line_count,
    from invoice_lines
    where line_kind = 'purchase'
    group by product_id, is_merchandise, description
),

shop_products as (
    select
        product_id,
        is_merchandise,
        description,
    from worded
    qualify row_number() over (
        partition by product_id
        order by (description is null) asc, line_count desc, description asc
    ) = 1
),

conformed as (
    select
        'coupon' as source,
        cast(product_id as varchar) as product_id,
        true as is_merchandise,
        cast(manufacturer_id as varchar) as manufacturer_id,
        coalesce(brand = 'private', false) as is_private_label,
        department,
        product_category,
        product_type,
        product_type as description,
    from coupon_products

    union all by name

    select
        'online_retail' as source,
        product_id,
        is_merchandise,
        description,
    from shop_products

    union all by name

    select distinct
        'app_install' as source,
        product_id,
        true as is_merchandise,
        product_id as department,
        product_id as description,
    from top_ups
)

select * from conformed
