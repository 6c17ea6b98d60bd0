-- a topic's rate weighs as much as this many conversions at the general rate
{% set prior_conversions = 5 %}

with interests as (
    select * from {{ ref('display_ads_interests') }}
    where topic_number is not null
),

devices as (
    select * from {{ ref('stg_display_ads__devices') }}
),

weeks as (
    select distinct cast(date_trunc('week', observed_date) as date) as week
    from devices
),

topic_weeks as (
    select
        topic_number,
        week,
        count(has_converted) as device_count,
        count(*) filter (where has_converted) as conversion_count,
    from interests
    group by topic_number, week
),

-- every topic in every week: what was known before a week does not need the week
topics as (
    select distinct topic_number from topic_weeks
),

earlier_topic_weeks as (
    select
        topics.topic_number,
        weeks.week,
        coalesce(sum(topic_weeks.device_count), 0) as device_count,
        coalesce(sum(topic_weeks.conversion_count), 0) as conversion_count,
    from topics
    cross join weeks
    left join topic_weeks
        on
            topics.topic_number = topic_weeks.topic_number
            -- the outcomes of the week's last day were known by then
            and weeks.week >= topic_weeks.week
            + interval {{ 6 + var('display_ads_outcome_days') }} day
    group by topics.topic_number, weeks.week
),

earlier_weeks as (
    select
        week,
        sum(device_count) as device_count,
        sum(conversion_count) as conversion_count,
    from earlier_topic_weeks
    group by week
    having sum(device_count) > 0
),

rated as (
    select
        earlier_topic_weeks.topic_number,
        earlier_topic_weeks.week,
        earlier_topic_weeks.device_count,
        earlier_topic_weeks.conversion_count,
        (earlier_topic_weeks.conversion_count + {{ prior_conversions }})
        / (
            earlier_topic_weeks.device_count
            + {{ prior_conversions }} * earlier_weeks.device_count
            / nullif(cast(earlier_weeks.conversion_count as double), 0)
        ) as conversion_rate,
    from earlier_topic_weeks
    inner join earlier_weeks using (week)
)

select * from rated
