with transactions as (
    select * from {{ ref('transactions') }}
    where line_kind = 'purchase' and customer_id is not null
),

add_times as (
    select
        source,
        customer_id,
        avg(hour(purchased_at)) as mean_hour,
        avg(cast(isodow(purchased_at) >= 6 as integer)) as weekend_share,
        avg(cast(hour(purchased_at) >= 17 as integer)) as evening_share,
    from transactions
    group by source, customer_id
)

select * from add_times
