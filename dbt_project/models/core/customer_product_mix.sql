with transactions as (
    select * from {{ ref('transactions') }}
    where line_kind = 'purchase' and customer_id is not null
),

product_groups as (
    select * from {{ ref('product_groups') }}
),

spent as (
    select
        transactions.source,
        transactions.customer_id,
        product_groups.product_group,
        product_groups.product_group_number,
        sum(cast(transactions.amount as decimal(18, 2))) as amount,
    from transactions
    inner join product_groups using (source, product_id)
    group by
        transactions.source,
        transactions.customer_id,
        product_groups.product_group,
        product_groups.product_group_number
),

shares as (
    select
        source,
        customer_id,
        product_group,
        product_group_number,
        cast(amount as double) as amount,
        cast(amount as double) / nullif(cast(
            sum(amount) over (partition by source, customer_id) as double
        ), 0) as share_of_spend,
    from spent
)

select * from shares
