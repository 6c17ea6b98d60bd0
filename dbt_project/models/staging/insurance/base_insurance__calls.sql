{{ config(
    materialized='table',
    pre_hook="{{ load_raw('insurance') }}",
) }}

{# Two spellings are known: the bank-marketing study's and the insurance task's. #}
{% set columns = [
    {'name': 'client_id', 'type': 'varchar', 'from': ['client_id', 'id'], 'row_number': true},
    {'name': 'age', 'type': 'bigint'},
    {'name': 'job', 'type': 'varchar'},
    {'name': 'marital_status', 'type': 'varchar', 'from': ['marital', 'marital_status']},
    {'name': 'education', 'type': 'varchar', 'from': ['education', 'education_qual']},
    {'name': 'has_default', 'type': 'boolean', 'from': ['default'], 'optional': true},
    {'name': 'balance', 'type': 'double', 'optional': true},
    {'name': 'has_housing_loan', 'type': 'boolean', 'from': ['housing'], 'optional': true},
    {'name': 'has_personal_loan', 'type': 'boolean', 'from': ['loan'], 'optional': true},
    {'name': 'call_type', 'type': 'varchar', 'from': ['contact', 'call_type']},
    {'name': 'call_day', 'type': 'bigint', 'from': ['day'], 'required': true},
    {'name': 'call_month', 'type': 'varchar', 'from': ['month', 'mon'], 'required': true},
    {'name': 'call_seconds', 'type': 'bigint', 'from': ['duration', 'dur']},
    {'name': 'call_count', 'type': 'bigint', 'from': ['campaign', 'num_calls']},
    {'name': 'days_since_last_campaign', 'type': 'bigint', 'from': ['pdays'], 'optional': true},
    {'name': 'previous_call_count', 'type': 'bigint', 'from': ['previous'], 'optional': true},
    {'name': 'previous_outcome', 'type': 'varchar', 'from': ['poutcome', 'prev_outcome']},
    {'name': 'has_subscribed', 'type': 'boolean', 'from': ['y']},
] %}

{{ typed_rows('insurance', none, columns, key=['client_id']) }}
