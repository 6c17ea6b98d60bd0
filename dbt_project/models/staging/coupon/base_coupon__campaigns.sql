{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'campaigns') }}",
) }}

{{ typed_rows('coupon', 'campaigns') }}
