{{ config(
    materialized='table',
    pre_hook="{{ load_raw('app_install', 'transactions') }}",
) }}

{{ typed_rows('app_install', 'transactions') }}
