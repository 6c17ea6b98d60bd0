with products as (
    select * from {{ ref('products') }}
),

clusters as (
    {% if 'online_retail' in listed_sources() %}
    select * from {{ ref('product_clusters') }}
    {% else %}
    select
        cast(null as varchar) as source,
        cast(null as varchar) as product_id,
        cast(null as varchar) as product_group,
    where false
    {% endif %}
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
        products.department,
        clusters.product_group as cluster_name,
        sold.amount,
    from sold
    left join products using (source, product_id)
    left join clusters using (source, product_id)
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

-- a retailer's own hierarchy is what its people know; products of a source without
-- one are grouped by their likeness
group_rows as (
    select
        sold_products.source,
        sold_products.product_id,
        coalesce(sold_products.department, 'unknown') as department,
        case
            when sold_products.cluster_name is not null
                then sold_products.cluster_name
            when
                department_shares.share_of_sales >= 0.01
                and sold_products.department is not null
                then sold_products.department
            else 'other'
        end as product_group,
        sold_products.amount,
    from sold_products
    left join department_shares
        on
            sold_products.source = department_shares.source
            and sold_products.department = department_shares.department
),

rank_rows as (
    select
        source,
        product_group,
        cast(row_number() over (
            partition by source
            order by
                (product_group = 'other') asc,
                sum(amount) desc,
                product_group asc
        ) as integer) as product_group_number,
    from group_rows
    group by source, product_group
),

number_rows as (
    select
        group_rows.source,
        group_rows.product_id,
        group_rows.department,
        group_rows.product_group,
        rank_rows.product_group_number,
    from group_rows
    inner join rank_rows using (source, product_group)
)

select * from number_rows
