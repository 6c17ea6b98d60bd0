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

shares as (
    select
        customer_id,
        {% for group, departments in groups.items() %}
        coalesce(sum(share_of_spend) filter (
            where product_group in (
                {% for department in departments %}
                '{{ department }}'{{ ',' if not loop.last }}
                {% endfor %}
            )
        ), 0) as {{ group | replace(' ', '_') }}_share,
        {% endfor %}
    from product_mix
    group by customer_id
),

joined as (
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
        shares.* exclude (customer_id),
    from spending
    left join shares using (customer_id)
)

select * from joined
