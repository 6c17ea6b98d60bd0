{# (base model, what is kept of it): rows in = rows kept + rows rejected #}
{% set kept = {
    'base_coupon__campaign_descriptions': 'stg_coupon__campaigns',
    'base_coupon__campaigns': 'stg_coupon__contacts',
    'base_coupon__coupon_redemptions': 'stg_coupon__redemptions',
    'base_coupon__coupons': 'stg_coupon__coupons',
    'base_coupon__demographics': 'stg_coupon__households',
    'base_coupon__products': 'stg_coupon__products',
    'base_coupon__transactions': 'stg_coupon__transactions',
    'base_insurance__calls': 'stg_insurance__calls',
} %}

with counts as (
    {% for base, staged in kept.items() %}
    select
        '{{ base }}' as base_model,
        (select count(*) from {{ ref(base) }}) as rows_in,
        (select count(*) from {{ ref(staged) }}) as rows_kept,
        (
            select count(*) from {{ ref(base) }}
            where reject_reason is not null
        ) as rows_rejected,
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

rejected as (
    select count(*) as row_count from {{ ref('rejected_rows') }}
)

select
    base_model,
    rows_in,
    rows_kept,
    rows_rejected,
from counts
where rows_in != rows_kept + rows_rejected

union all

select
    'rejected_rows' as base_model,
    any_value(rejected.row_count) as rows_in,
    0 as rows_kept,
    sum(counts.rows_rejected) as rows_rejected,
from counts
cross join rejected
having any_value(rejected.row_count) != sum(counts.rows_rejected)
