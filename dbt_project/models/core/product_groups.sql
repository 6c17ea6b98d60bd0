with products as (
    select * from {{ ref('products') }}
),

sold as (
    select
        source,
        product_id,
        sum(cast(amount as decimal(18, 2))) as amount,
    from {{ ref('transactions') }}
    where line_kind = 'purchase'
    group by source, product_id
),

sold_products as (
    select
        sold.source,
        sold.product_id,
        coalesce(products.department, 'unknown') as department,
        sold.amount,
    from sold
    left join products using (source, product_id)
),

department_shares as (
    select
        source,
        department,
        cast(sum(amount) as double) / nullif(cast(
            sum(sum(amount)) over (partition by source) as double
        ), 0)
            as share_of_sales,
    from sold_products
    group by source, department
),

grouped as (
    select
        sold_products.source,
        sold_products.product_id,
        sold_products.department,
        case
            when department_shares.share_of_sales >= 0.01
                then sold_products.department
            else 'other'
        end as product_group,
    from sold_products
    inner join department_shares using (source, department)
)

select * from grouped
