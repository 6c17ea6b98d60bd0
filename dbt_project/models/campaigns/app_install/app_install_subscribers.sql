with customers as (
    select * from {{ ref('customers') }}
    where source = 'app_install'
),

subscribers as (
    select * from {{ ref('stg_app_install__subscribers') }}
),

spending as (
    select * from {{ ref('customer_spending') }}
    where source = 'app_install'
),

purchase_times as (
    select * from {{ ref('customer_purchase_times') }}
    where source = 'app_install'
),

top_ups as (
    select * from {{ ref('transactions') }}
    where source = 'app_install' and line_kind = 'purchase'
),

events as (
    select * from {{ ref('stg_app_install__ad_events') }}
),

converters as (
    select distinct customer_id from {{ ref('stg_app_install__installs') }}
),

period as (
    select
        min(first_purchase_date) as recorded_from,
        max(as_of_date) as as_of_date,
    from spending
),

-- what is given per 30 days was summed over so many days
histories as (
    select
        customers.customer_id,
        period.as_of_date,
        case
            when subscribers.activation_date < period.as_of_date
                then subscribers.activation_date
        end as activated_on,
        date_diff(
            'day',
            greatest(period.recorded_from, activated_on),
            period.as_of_date
        ) as history_days,
    from customers
    cross join period
    left join subscribers using (customer_id)
),

kinds as (
    select
        customer_id,
        sum(cast(amount as decimal(18, 2))) filter (
            where product_id = 'airtime'
        ) as airtime_amount,
        sum(cast(amount as decimal(18, 2))) filter (
            where product_id = 'data'
        ) as data_amount,
    from top_ups
    group by customer_id
),

exposures as (
    select
        customer_id,
        count(*) as impression_count,
    from events
    where event_type = 'impression'
    group by customer_id
),

add_descriptions as (
    select
        -- ids and times
        customers.customer_id,
        histories.as_of_date,

        -- who the subscriber is
        subscribers.age,
        subscribers.region,
        subscribers.handset,
        subscribers.tariff,
        date_diff('day', histories.activated_on, histories.as_of_date)
            as tenure_days,
        histories.history_days,

        -- top-ups
        spending.recency_days,
        30.0 * coalesce(spending.basket_count, 0) / histories.history_days
            as top_ups_per_30d,
        spending.average_basket_amount as mean_top_up,
        {% for kind in ['airtime', 'data'] %}
        30.0 * cast(coalesce(kinds.{{ kind }}_amount, 0) as double)
        / histories.history_days as {{ kind }}_amount_per_30d,
        {% endfor %}
        cast(coalesce(kinds.data_amount, 0) as double)
        / nullif(spending.total_amount, 0) as data_share,
        spending.spend_trend,
        purchase_times.evening_share,
        purchase_times.weekend_share,

        -- ads seen
        30.0 * coalesce(exposures.impression_count, 0)
        / histories.history_days as impressions_per_30d,

        -- outcome
        converters.customer_id is not null as has_converted,
    from customers
    inner join histories using (customer_id)
    left join subscribers using (customer_id)
    left join spending using (customer_id)
    left join purchase_times using (customer_id)
    left join kinds using (customer_id)
    left join exposures using (customer_id)
    left join converters using (customer_id)
)

select * from add_descriptions
