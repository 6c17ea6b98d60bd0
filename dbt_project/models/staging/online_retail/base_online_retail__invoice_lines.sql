{{ config(
    materialized='table',
    pre_hook="{{ load_raw('online_retail', 'invoice_lines') }}",
) }}

{{ typed_rows('online_retail', 'invoice_lines') }}
