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

rank_rows as (
    select
        campaign_id,
        household_id,
        {{ quintile('recency_days desc', within='campaign_id') }}
            as recency_quintile,
        {{ quintile('trip_count', within='campaign_id') }}
            as frequency_quintile,
        {{ quintile('amount', within='campaign_id') }} as value_quintile,
    from spent
),

added as (
    select
        *,
        recency_quintile + frequency_quintile + value_quintile
            as recency_frequency_value,
    from rank_rows
)

select * from added
