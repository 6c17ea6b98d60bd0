{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'coupon_redemptions') }}",
) }}

{{ typed_rows('coupon', 'coupon_redemptions') }}
