{% set sources = listed_sources() %}

with {% if 'coupon' in sources %}
coupon_products as (
    select * from {{ ref('stg_coupon__products') }}
),
{% endif %}
{% if 'online_retail' in sources %}
invoice_lines as (
    select * from {{ ref('stg_online_retail__invoice_lines') }}
),
{% endif %}
{% if 'app_install' in sources %}
top_ups as (
    select * from {{ ref('stg_app_install__transactions') }}
),
{% endif %}
{% if 'online_retail' in sources %}
-- a product is described anew on every line: the wording most often sold is taken
add_sentences as (
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
    from add_sentences
    qualify row_number() over (
        partition by product_id
        order by (description is null) asc, line_count desc, description asc
    ) = 1
),
{% endif %}
-- the columns, whichever sources are listed
conform_columns as (
    select
        cast(null as varchar) as source,
        cast(null as varchar) as product_id,
        cast(null as boolean) as is_merchandise,
        cast(null as varchar) as manufacturer_id,
        cast(null as boolean) as is_private_label,
        cast(null as varchar) as department,
        cast(null as varchar) as product_category,
        cast(null as varchar) as product_type,
        cast(null as varchar) as description,
    where false

    {% if 'coupon' in sources %}
    union all by name

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
    {% endif %}

    {% if 'online_retail' in sources %}
    union all by name

    select
        'online_retail' as source,
        product_id,
        is_merchandise,
        description,
    from shop_products
    {% endif %}

    {% if 'app_install' in sources %}
    union all by name

    select distinct
        'app_install' as source,
        product_id,
        true as is_merchandise,
        product_id as department,
        product_id as description,
    from top_ups
    {% endif %}
)

select * from conform_columns
