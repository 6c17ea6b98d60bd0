{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'products') }}",
) }}

{{ typed_rows('coupon', 'products') }}
