with cuts as (
    select * from {{ ref('value_group_cuts') }}
),

members as (
    select * from {{ ref('customer_value_groups') }}
),

spending as (
    select * from {{ ref('customer_spending') }}
),

sources as (
    select distinct source from spending
),

sum_rows as (
    select
        members.source,
        members.value_group,
        count(*) as customer_count,
        -- decimals: sums of doubles depend on the order of rows
        sum(cast(spending.total_amount as decimal(18, 2))) as total_amount,
        avg(spending.recency_days) as mean_recency_days,
        avg(spending.basket_count) as mean_basket_count,
    from members
    inner join spending using (source, customer_id)
    group by members.source, members.value_group
),

-- a group that is empty is there too
list_rows as (
    select
        sources.source,
        cuts.value_group,
        coalesce(sum_rows.customer_count, 0) as customer_count,
        coalesce(sum_rows.total_amount, 0) as total_amount,
        sum_rows.mean_recency_days,
        sum_rows.mean_basket_count,
        cuts.advice,
    from sources
    cross join cuts
    left join sum_rows using (source, value_group)
),

shares as (
    select
        source,
        value_group,
        customer_count,
        customer_count
        / cast(sum(customer_count) over (partition by source) as double)
            as share_of_customers,
        {{ money('total_amount') }} as total_amount,
        cast(total_amount as double) / nullif(cast(
            sum(total_amount) over (partition by source) as double
        ), 0) as share_of_amount,
        mean_recency_days,
        mean_basket_count,
        advice,
    from list_rows
)

select * from shares
