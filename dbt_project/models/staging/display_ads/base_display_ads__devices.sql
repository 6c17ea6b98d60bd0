{{ config(
    materialized='table',
    pre_hook="{{ load_raw('display_ads', 'devices') }}",
) }}

{{ typed_rows('display_ads', 'devices') }}
