with spending as (
    select * from {{ ref('customer_spending') }}
    where source = 'online_retail'
),

customers as (
    select * from {{ ref('customers') }}
    where source = 'online_retail'
),

purchase_times as (
    select * from {{ ref('customer_purchase_times') }}
    where source = 'online_retail'
),

purchases as (
    select * from {{ ref('transactions') }}
    where
        source = 'online_retail'
        and line_kind = 'purchase'
        and customer_id is not null
),

product_mix as (
    select * from {{ ref('customer_product_mix') }}
    where source = 'online_retail' and share_of_spend > 0
),

mixes as (
    select
        customer_id,
        {% for number in range(1, var('product_groups') + 1) %}
        sum(if(product_group_number = {{ number }}, share_of_spend, 0))
            as product_group_{{ number }}_share,
        {% endfor %}
        -- entropy of the shares, in nats: 0 is one group only
        round(-sum(share_of_spend * ln(share_of_spend)), 9)
            as product_mix_entropy,
    from product_mix
    group by customer_id
),

favourites as (
    select
        customer_id,
        product_group as favourite_product_group,
    from product_mix
    qualify row_number() over (
        partition by customer_id
        order by share_of_spend desc, product_group_number asc
    ) = 1
),

habits as (
    select
        customer_id,
        count(*) as line_count,
        count(distinct product_id) as product_count,
        sum(quantity) as unit_count,
        avg(cast(month(purchased_at) in (11, 12) as integer))
            as christmas_season_share,
    from purchases
    group by customer_id
),

add_descriptions as (
    select
        -- ids and times: all that is known at the end of the last day of data
        spending.customer_id,
        spending.as_of_date,

        -- who they are
        customers.country,
        spending.tenure_days,

        -- how they spend
        spending.recency_days,
        spending.basket_count,
        spending.total_amount,
        spending.average_basket_amount,
        {% for days in [7, 30, 90] %}
        spending.basket_count_{{ days }}d,
        spending.amount_{{ days }}d,
        {% endfor %}
        spending.spend_trend,
        (spending.tenure_days - spending.recency_days)
        / nullif(spending.basket_count - 1, 0) as days_between_baskets,
        habits.line_count / spending.basket_count as lines_per_basket,
        habits.unit_count / habits.line_count as units_per_line,
        spending.total_amount / nullif(habits.unit_count, 0) as unit_price,
        spending.return_count,
        spending.return_amount / nullif(spending.total_amount, 0)
            as return_share,
        purchase_times.mean_hour,
        purchase_times.weekend_share,
        purchase_times.evening_share,
        habits.christmas_season_share,

        -- what they buy
        habits.product_count,
        favourites.favourite_product_group,
        mixes.* exclude (customer_id),
    from spending
    left join customers using (customer_id)
    left join purchase_times using (customer_id)
    left join habits using (customer_id)
    left join mixes using (customer_id)
    left join favourites using (customer_id)
)

select * from add_descriptions
