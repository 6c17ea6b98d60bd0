with transactions as (
    select * from {{ ref('transactions') }}
    where customer_id is not null
),

-- all that is known at the end of the source's last day
source_ends as (
    select
        source,
        cast(max(purchased_at) as date) + 1 as as_of_date,
    from {{ ref('transactions') }}
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

dated_baskets as (
    select
        baskets.*,
        source_ends.as_of_date,
        source_ends.as_of_date
        - cast(baskets.last_purchased_at as date) as days_ago,
    from baskets
    inner join source_ends using (source)
),

spending as (
    select
        source,
        customer_id,
        as_of_date,
        cast(min(first_purchased_at) as date) as first_purchase_date,
        max(last_purchased_at) as last_purchased_at,
        cast(max(last_purchased_at) as date) as last_purchase_date,
        count(*) as basket_count,
        count(*) filter (where coupon_discount > 0) as coupon_basket_count,
        sum(amount) as total_amount,
        sum(retail_discount) as retail_discount,
        sum(coupon_discount) as coupon_discount,
        {%- for days in [7, 30, 90] %}
        count(*) filter (where days_ago <= {{ days }})
            as basket_count_{{ days }}d,
        coalesce(sum(amount) filter (where days_ago <= {{ days }}), 0)
            as amount_{{ days }}d,
        {%- endfor %}
        coalesce(sum(amount) filter (where days_ago between 91 and 180), 0)
            as amount_before_90d,
    from dated_baskets
    group by source, customer_id, as_of_date
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

measure_rows as (
    select
        spending.source,
        spending.customer_id,
        spending.as_of_date,
        spending.first_purchase_date,
        spending.last_purchase_date,
        spending.last_purchased_at,
        date_diff('day', spending.last_purchase_date, spending.as_of_date) - 1
            as recency_days,
        date_diff('day', spending.first_purchase_date, spending.as_of_date) - 1
            as tenure_days,
        spending.basket_count,
        spending.coupon_basket_count,
        cast(spending.total_amount as double) as total_amount,
        cast(spending.total_amount as double) / spending.basket_count
            as average_basket_amount,
        {%- for days in [7, 30, 90] %}
        spending.basket_count_{{ days }}d,
        cast(spending.amount_{{ days }}d as double) as amount_{{ days }}d,
        {%- endfor %}
        cast(spending.amount_90d - spending.amount_before_90d as double)
        / nullif(cast(
            spending.amount_90d + spending.amount_before_90d as double
        ), 0) as spend_trend,
        cast(spending.retail_discount as double) as retail_discount,
        cast(spending.coupon_discount as double) as coupon_discount,
        coalesce(returned.return_count, 0) as return_count,
        cast(coalesce(returned.return_amount, 0) as double) as return_amount,
    from spending
    left join returned using (source, customer_id)
)

select * from measure_rows
