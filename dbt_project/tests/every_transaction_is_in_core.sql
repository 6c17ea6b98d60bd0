-- and none of them twice: as many lines per source as staging has
{% set tables = {
    'coupon': 'stg_coupon__transactions',
    'online_retail': 'stg_online_retail__invoice_lines',
    'app_install': 'stg_app_install__transactions',
} %}

with staged as (
    {% for source, table in tables.items() if source in listed_sources() %}
    select
        '{{ source }}' as source,
        count(*) as staged_count,
    from {{ ref(table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% if not tables | select('in', listed_sources()) | list %}
    select
        cast(null as varchar) as source,
        cast(null as bigint) as staged_count,
    where false
    {% endif %}
),

in_core as (
    select
        source,
        count(*) as core_count,
    from {{ ref('transactions') }}
    group by source
)

select
    source,
    staged.staged_count,
    in_core.core_count,
from staged
full join in_core using (source)
where coalesce(staged.staged_count, 0) != coalesce(in_core.core_count, 0)
