-- counts are the customers', amounts what they spent, shares sum to one
with list_rows as (
    select
        source,
        sum(customer_count) as customer_count,
        sum(cast(total_amount as decimal(18, 2))) as total_amount,
        sum(share_of_customers) as customers,
        sum(share_of_amount) as amounts,
    from {{ ref('value_groups') }}
    group by source
),

spending as (
    select
        source,
        count(*) as customer_count,
        sum(cast(total_amount as decimal(18, 2))) as total_amount,
    from {{ ref('customer_spending') }}
    group by source
)

select spending.* from spending
left join list_rows using (source)
where
    list_rows.customer_count is distinct from spending.customer_count
    or list_rows.total_amount is distinct from spending.total_amount
    or abs(list_rows.customers - 1) > 1e-12
    or abs(list_rows.amounts - 1) > 1e-12
