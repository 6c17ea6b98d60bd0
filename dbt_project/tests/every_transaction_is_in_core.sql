-- and none of them twice: as many lines per source as staging has
with staged as (
    select
        'coupon' as source,
        count(*) as staged_count,
    from {{ ref('stg_coupon__transactions') }}

    union all

    select
        'online_retail' as source,
        count(*) as staged_count,
    from {{ ref('stg_online_retail__invoice_lines') }}

    union all

    select
        'app_install' as source,
        count(*) as staged_count,
    from {{ ref('stg_app_install__transactions') }}
),

conformed as (
    select
        source,
        count(*) as core_count,
    from {{ ref('transactions') }}
    group by source
)

select
    source,
    staged.staged_count,
    conformed.core_count,
from staged
full join conformed using (source)
where coalesce(staged.staged_count, 0) != coalesce(conformed.core_count, 0)
