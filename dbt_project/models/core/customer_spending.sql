with transactions as (
    select * from {{ ref('transactions') }}
),

source_ends as (
    select
        source,
        cast(max(purchased_at) as date) as last_date,
    from transactions
    group by source
),

baskets as (
    select
        source,
        customer_id,
        basket_id,
        min(purchased_at) as first_purchased_at,
        max(purchased_at) as last_purchased_at,
        sum(cast(amount as decimal(18, 2))) as amount,
        sum(cast(retail_discount as decimal(18, 2))) as retail_discount,
        sum(cast(coupon_discount as decimal(18, 2))) as coupon_discount,
    from transactions
    where line_kind = 'purchase'
    group by source, customer_id, basket_id
),

spending as (
    select
        source,
        customer_id,
        cast(min(first_purchased_at) as date) as first_purchase_date,
        cast(max(last_purchased_at) as date) as last_purchase_date,
        count(*) as basket_count,
        count(*) filter (where coupon_discount > 0) as coupon_basket_count,
        sum(amount) as total_amount,
        sum(retail_discount) as retail_discount,
        sum(coupon_discount) as coupon_discount,
    from baskets
    group by source, customer_id
),

returned as (
    select
        source,
        customer_id,
        count(*) as return_count,
        -sum(cast(amount as decimal(18, 2))) as return_amount,
    from transactions
    where line_kind = 'return'
    group by source, customer_id
),

measured as (
    select
        spending.source,
        spending.customer_id,
        spending.first_purchase_date,
        spending.last_purchase_date,
        date_diff('day', spending.last_purchase_date, source_ends.last_date)
            as recency_days,
        date_diff('day', spending.first_purchase_date, source_ends.last_date)
            as tenure_days,
        spending.basket_count,
        spending.coupon_basket_count,
        cast(spending.total_amount as double) as total_amount,
        cast(spending.total_amount as double) / spending.basket_count
            as average_basket_amount,
        cast(spending.retail_discount as double) as retail_discount,
        cast(spending.coupon_discount as double) as coupon_discount,
        coalesce(returned.return_count, 0) as return_count,
        cast(coalesce(returned.return_amount, 0) as double) as return_amount,
    from spending
    inner join source_ends using (source)
    left join returned using (source, customer_id)
)

select * from measured
