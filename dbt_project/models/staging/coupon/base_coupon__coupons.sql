{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'coupons') }}",
) }}

{% set columns = [
    {'name': 'coupon_upc', 'type': 'bigint', 'required': true},
    {'name': 'product_id', 'type': 'bigint', 'required': true},
    {'name': 'campaign_id', 'type': 'bigint', 'required': true},
] %}

{{ typed_rows(
    'coupon', 'coupons', columns,
    key=['coupon_upc', 'product_id', 'campaign_id']
) }}
