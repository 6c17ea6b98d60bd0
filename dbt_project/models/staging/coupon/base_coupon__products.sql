{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'products') }}",
) }}

{% set columns = [
    {'name': 'product_id', 'type': 'bigint', 'required': true},
    {'name': 'manufacturer_id', 'type': 'bigint'},
    {'name': 'department', 'type': 'varchar'},
    {'name': 'brand', 'type': 'varchar'},
    {'name': 'product_category', 'type': 'varchar'},
    {'name': 'product_type', 'type': 'varchar'},
    {'name': 'package_size', 'type': 'varchar'},
] %}

{{ typed_rows('coupon', 'products', columns, key=['product_id']) }}
