{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'coupons') }}",
) }}

{{ typed_rows('coupon', 'coupons') }}
