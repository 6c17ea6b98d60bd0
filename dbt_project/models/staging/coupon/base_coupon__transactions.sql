{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'transactions') }}",
) }}

{{ typed_rows('coupon', 'transactions') }}
