{% set groups = {
    'grocery': ['grocery', 'frozen grocery'],
    'fresh food': [
        'produce', 'meat', 'seafood', 'deli', 'salad bar', 'chef shoppe',
        'restaurant',
    ],
    'packaged meat': ['meat-pckgd', 'seafood-pckgd'],
    'drugstore goods': ['drug gm', 'cosmetics'],
    'fuel': ['fuel'],
} %}

with spending as (
    select * from {{ ref('customer_spending') }}
    where source = 'coupon'
),

product_mix as (
    select * from {{ ref('customer_product_mix') }}
    where source = 'coupon'
),

spent as (
    select
        customer_id,
    {% for group, departments in groups.items() %}
    -- decimals: sums of doubles depend on the order of rows
    sum(cast(amount as decimal(18, 2))) filter (
        where product_group in (
            {% for department in departments %}
            '{{ department }}'{{ ',' if not loop.last }}
            {% endfor %}
        )
    ) as {{ group | replace(' ', '_') }},
    {% endfor %}
    from product_mix
    group by customer_id
),

join_tables as (
    select
        spending.customer_id as household_id,
        spending.basket_count,
        spending.recency_days,
        spending.total_amount,
        spending.average_basket_amount,
        spending.retail_discount
        / nullif(spending.total_amount + spending.retail_discount, 0)
            as discount_share,
        spending.coupon_basket_count / cast(spending.basket_count as double)
            as coupon_basket_share,
    {% for group in groups %}
    coalesce(cast(spent.{{ group | replace(' ', '_') }} as double), 0)
    / nullif(spending.total_amount, 0)
        as {{ group | replace(' ', '_') }}_share,
    {% endfor %}
    from spending
    left join spent using (customer_id)
)

select * from join_tables
