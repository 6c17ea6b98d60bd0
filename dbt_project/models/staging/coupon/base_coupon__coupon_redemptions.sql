{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'coupon_redemptions') }}",
) }}

{% set columns = [
    {'name': 'household_id', 'type': 'bigint', 'required': true},
    {'name': 'coupon_upc', 'type': 'bigint', 'required': true},
    {'name': 'campaign_id', 'type': 'bigint', 'required': true},
    {'name': 'redemption_date', 'type': 'date', 'required': true},
] %}

{{ typed_rows(
    'coupon', 'coupon_redemptions', columns,
    key=['household_id', 'coupon_upc', 'campaign_id', 'redemption_date']
) }}
