{{ config(
    materialized='table',
    pre_hook="{{ load_raw('coupon', 'demographics') }}",
) }}

{% set columns = [
    {'name': 'household_id', 'type': 'bigint', 'required': true},
    {'name': 'age_band', 'type': 'varchar', 'from': ['age', 'age_band']},
    {'name': 'income_band', 'type': 'varchar', 'from': ['income', 'income_band']},
    {'name': 'home_ownership', 'type': 'varchar'},
    {'name': 'marital_status', 'type': 'varchar'},
    {'name': 'household_size', 'type': 'varchar'},
    {'name': 'household_composition', 'type': 'varchar', 'from': ['household_comp', 'household_composition']},
    {'name': 'kids_count', 'type': 'varchar'},
] %}

{{ typed_rows('coupon', 'demographics', columns, key=['household_id']) }}
