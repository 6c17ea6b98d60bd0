{{ config(
    materialized='table',
    pre_hook="{{ load_raw('app_install', 'installs') }}",
) }}

{{ typed_rows('app_install', 'installs') }}
