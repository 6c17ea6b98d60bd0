{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'campaign_descriptions') }}",
) }}

{% set columns = [
    {'name': 'campaign_id', 'type': 'bigint', 'required': true},
    {'name': 'campaign_type', 'type': 'varchar'},
    {'name': 'start_date', 'type': 'date', 'required': true},
    {'name': 'end_date', 'type': 'date', 'required': true},
] %}

{{ typed_rows(
    'coupon', 'campaign_descriptions', columns,
    key=['campaign_id']
) }}
