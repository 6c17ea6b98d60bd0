{% set best_last = {
    'recency': 'recency_days desc',
    'frequency': 'trip_count',
    'value': 'amount',
} %}

with campaigns as (
    select * from {{ ref('coupon_campaigns') }}
    where split != 'left out'
),

purchases as (
    select * from {{ ref('coupon_purchases') }}
),

trips as (
    select
        household_id,
        basket_id,
        cast(min(purchased_at) as date) as trip_date,
        sum(amount) as amount,
    from purchases
    group by household_id, basket_id
),

spent as (
    select
        campaigns.campaign_id,
        trips.household_id,
        min(date_diff('day', trips.trip_date, campaigns.start_date))
            as recency_days,
        count(*) as trip_count,
        sum(trips.amount) as amount,
    from campaigns
    inner join trips on campaigns.start_date > trips.trip_date
    group by campaigns.campaign_id, trips.household_id
),

-- equal households are in the same quintile
ranked as (
    select
        campaign_id,
        household_id,
        {% for measure, order in best_last.items() %}
        1 + cast(floor(
            5 * (rank() over (
                partition by campaign_id order by {{ order }}
            ) - 1) / count(*) over (partition by campaign_id)
        ) as integer) as {{ measure }}_quintile,
        {% endfor %}
    from spent
),

added as (
    select
        *,
        recency_quintile + frequency_quintile + value_quintile
            as recency_frequency_value,
    from ranked
)

select * from added
