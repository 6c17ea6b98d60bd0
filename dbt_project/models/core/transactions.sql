{% set sources = listed_sources() %}
-- a view: the lines are a table in staging already
{{ config(materialized='view') }}

with {% if 'coupon' in sources %}
coupon_transactions as (
    select * from {{ ref('stg_coupon__transactions') }}
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
-- the columns, whichever sources are listed
conform_columns as (
    select
        cast(null as varchar) as source,
        cast(null as varchar) as transaction_id,
        cast(null as varchar) as customer_id,
        cast(null as varchar) as basket_id,
        cast(null as varchar) as product_id,
        cast(null as timestamp) as purchased_at,
        cast(null as timestamp) as known_at,
        cast(null as varchar) as line_kind,
        cast(null as double) as quantity,
        cast(null as double) as amount,
        cast(null as double) as retail_discount,
        cast(null as double) as coupon_discount,
    where false

    {% if 'coupon' in sources %}
    union all by name

    select
        'coupon' as source,
        transaction_id,
        cast(household_id as varchar) as customer_id,
        cast(basket_id as varchar) as basket_id,
        cast(product_id as varchar) as product_id,
        purchased_at,
        purchased_at as known_at,
        line_kind,
        quantity,
        amount,
        retail_discount,
        coupon_discount + coupon_match_discount as coupon_discount,
    from coupon_transactions
    {% endif %}

    {% if 'online_retail' in sources %}
    union all by name

    select
        'online_retail' as source,
        line_id as transaction_id,
        customer_id,
        invoice_id as basket_id,
        product_id,
        purchased_at,
        purchased_at as known_at,
        line_kind,
        cast(quantity as double) as quantity,
        amount,
    from invoice_lines
    {% endif %}

    {% if 'app_install' in sources %}
    union all by name

    select
        'app_install' as source,
        transaction_id,
        customer_id,
        transaction_id as basket_id,
        product_id,
        purchased_at,
        recorded_at as known_at,
        line_kind,
        cast(1 as double) as quantity,
        amount,
    from top_ups
    {% endif %}
)

select * from conform_columns
