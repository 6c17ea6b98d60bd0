{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'campaign_descriptions') }}",
) }}

{{ typed_rows('coupon', 'campaign_descriptions') }}
