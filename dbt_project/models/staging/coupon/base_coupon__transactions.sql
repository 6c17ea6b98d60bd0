{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'transactions') }}",
) }}

{% set columns = [
    {'name': 'household_id', 'type': 'bigint', 'required': true},
    {'name': 'basket_id', 'type': 'bigint', 'required': true},
    {'name': 'product_id', 'type': 'bigint', 'required': true},
    {'name': 'store_id', 'type': 'bigint'},
    {'name': 'quantity', 'type': 'double'},
    {'name': 'amount', 'type': 'double', 'from': ['sales_value', 'amount']},
    {'name': 'retail_discount', 'type': 'double', 'from': ['retail_disc', 'retail_discount']},
    {'name': 'coupon_discount', 'type': 'double', 'from': ['coupon_disc', 'coupon_discount']},
    {'name': 'coupon_match_discount', 'type': 'double', 'from': ['coupon_match_disc', 'coupon_match_discount']},
    {'name': 'purchased_at', 'type': 'timestamp', 'from': ['transaction_timestamp', 'purchased_at'], 'required': true},
] %}

{{ typed_rows(
    'coupon', 'transactions', columns,
    key=['basket_id', 'product_id']
) }}
