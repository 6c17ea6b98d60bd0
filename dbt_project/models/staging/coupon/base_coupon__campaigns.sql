{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'campaigns') }}",
) }}

{% set columns = [
    {'name': 'campaign_id', 'type': 'bigint', 'required': true},
    {'name': 'household_id', 'type': 'bigint', 'required': true},
] %}

{{ typed_rows(
    'coupon', 'campaigns', columns,
    key=['campaign_id', 'household_id']
) }}
