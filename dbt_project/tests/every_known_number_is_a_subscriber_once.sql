-- converters are those with an install, everybody else is the general population
with list_rows as (
    select
        count(*) as subscriber_count,
        count(*) filter (where has_converted) as converter_count,
    from {{ ref('app_install_subscribers') }}
),

known as (
    select count(*) as subscriber_count
    from {{ ref('customers') }}
    where source = 'app_install'
),

installed as (
    select count(distinct customer_id) as converter_count
    from {{ ref('stg_app_install__installs') }}
)

select list_rows.* from list_rows
cross join known
cross join installed
where
    list_rows.subscriber_count != known.subscriber_count
    or list_rows.converter_count != installed.converter_count
