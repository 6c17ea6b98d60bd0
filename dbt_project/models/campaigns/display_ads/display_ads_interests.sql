-- a view: a table of ten rows per device costs more than to list them twice
{{ config(materialized='view') }}

with devices as (
    select * from {{ ref('stg_display_ads__devices') }}
),

topics as (
    select * from {{ ref('stg_display_ads__interest_topics') }}
),

-- an interest may name its topic by id or by path
topic_keys as (
    select
        topic_id as topic_key,
        topic_id,
        top_topic_number,
    from topics

    union all

    select
        topic_path as topic_key,
        topic_id,
        top_topic_number,
    from topics
),

listed as (
    {% for term in ['long', 'short'] %}
    select
        device_key,
        cast(date_trunc('week', observed_date) as date) as week,
        has_converted,
        {{ term == 'short' }} as is_short_term,
        unnest({{ term }}_term_interests.topics) as topic_key,
        unnest({{ term }}_term_interests.weights) as weight,
    from devices
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

placed as (
    select
        listed.device_key,
        listed.week,
        listed.has_converted,
        listed.is_short_term,
        topic_keys.topic_id,
        topic_keys.top_topic_number,
        -- decimals add up to the same sum in every order
        cast(listed.weight as decimal(9, 6)) as weight,
    from listed
    left join topic_keys using (topic_key)
    where listed.weight between 0.000001 and 999
)

select * from placed
