{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'demographics') }}",
) }}

{{ typed_rows('coupon', 'demographics') }}
