{{ config(
    materialized='table',
    pre_hook="{{ load_raw('app_install', 'subscribers') }}",
) }}

{{ typed_rows('app_install', 'subscribers') }}
