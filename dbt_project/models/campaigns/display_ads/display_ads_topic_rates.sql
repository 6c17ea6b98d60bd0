-- a topic is drawn towards the general rate as by this many conversions at it
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
        is_short_term,
        week,
        count(has_converted) as device_count,
        count(*) filter (where has_converted) as conversion_count,
    from interests
    group by topic_number, is_short_term, week
),

-- every topic in every week: what was known before a week does not need the week
topics as (
    select distinct
        topic_number,
        is_short_term,
    from topic_weeks
),

earlier_topic_weeks as (
    select
        topics.topic_number,
        topics.is_short_term,
        weeks.week,
        coalesce(sum(topic_weeks.device_count), 0) as device_count,
        coalesce(sum(topic_weeks.conversion_count), 0) as conversion_count,
    from topics
    cross join weeks
    left join topic_weeks
        on
            topics.topic_number = topic_weeks.topic_number
            and topics.is_short_term = topic_weeks.is_short_term
            -- the outcomes of the week's last day were known by then
            and weeks.week >= topic_weeks.week
            + interval {{ 6 + var('display_ads_outcome_days') }} day
    group by topics.topic_number, topics.is_short_term, weeks.week
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

add_rates as (
    select
        earlier_topic_weeks.topic_number,
        earlier_topic_weeks.is_short_term,
        earlier_topic_weeks.week,
        earlier_topic_weeks.device_count,
        earlier_topic_weeks.conversion_count,
        -- times the general rate, which moves: conversions over those to be expected
        (earlier_topic_weeks.conversion_count + {{ prior_conversions }})
        / (
            earlier_topic_weeks.device_count
            * nullif(cast(earlier_weeks.conversion_count as double), 0)
            / earlier_weeks.device_count
            + {{ prior_conversions }}
        ) as lift,
    from earlier_topic_weeks
    inner join earlier_weeks using (week)
)

select * from add_rates
