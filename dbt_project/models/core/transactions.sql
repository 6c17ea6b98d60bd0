-- a view: the lines are a table in staging already
{{ config(materialized='view') }}

with coupon_transactions as (
    select * from {{ ref('stg_coupon__transactions') }}
),

conformed as (
    select
        'coupon' as source,
        transaction_id,
        cast(household_id as varchar) as customer_id,
        cast(basket_id as varchar) as basket_id,
        cast(product_id as varchar) as product_id,
        purchased_at,
        line_kind,
        quantity,
        amount,
        retail_discount,
        coupon_discount + coupon_match_discount as coupon_discount,
    from coupon_transactions
)

select * from conformed
