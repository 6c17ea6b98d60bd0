{#
    CTEs that list the interests of the CTE `devices`, one row each: of all devices in the
    view, of a block's devices in the block, because a filter finds no way through unnest.
#}
{% macro listed_interests() %}
topics as (
    select * from {{ ref('stg_display_ads__interest_topics') }}
),

-- an interest may name its topic by id or by path
topic_keys as (
    select
        topic_id as topic_key,
        topic_number,
        top_topic_number,
    from topics

    union all

    select
        topic_path as topic_key,
        topic_number,
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

interests as (
    select
        listed.device_key,
        listed.week,
        listed.has_converted,
        listed.is_short_term,
        topic_keys.topic_number,
        topic_keys.top_topic_number,
        -- decimals add up to the same sum in every order
        cast(listed.weight as decimal(9, 6)) as weight,
    from listed
    left join topic_keys using (topic_key)
    where listed.weight between 0.000001 and 999
)
{% endmacro %}


{#
    Body of display_ads_features for a block of devices, first to first + size - 1: so many
    are put together at a time, whatever their number, that memory stays the same. On Spark
    it is all devices: their key is no number, and Spark divides the work itself.
#}
{% macro display_ads_block(first) %}
{% set display_ads_block_size = var('display_ads_block_size') %}
{% set topics = ref('stg_display_ads__interest_topics') %}
{% set top_topics = [] %}
{% if execute and load_relation(topics) %}
    {% for row in run_query(
        "select distinct top_topic_number,"
        ~ " trim(regexp_replace(lower(top_topic), '[^a-z0-9]+', '_', 'g'), '_')"
        ~ " from " ~ topics ~ " order by 1"
    ).rows %}
        {% set taken = top_topics | map(attribute='slug') | list %}
        {% do top_topics.append({
            'number': row[0],
            'slug': row[1] ~ ('_' ~ row[0] if row[1] in taken else ''),
        }) %}
    {% endfor %}
{% endif %}

{% set last_known = run_query(
    "select cast(max(date_trunc('week', observed_date)) as date) from "
    ~ ref('stg_display_ads__devices') ~ " where has_converted is not null"
).rows[0][0] if execute and load_relation(topics) %}

with devices as (
    select * from {{ ref('stg_display_ads__devices') }}
    {% if target.type == 'duckdb' %}
    where device_key between {{ first }} and {{ first + display_ads_block_size - 1 }}
    {% endif %}
),

{{ listed_interests() }},

topic_rates as (
    select * from {{ ref('display_ads_topic_rates') }}
),

-- a device's interests lie in its row: to count and weigh them needs no join
weighed as (
    select
        device_key,
        {% for term in ['long', 'short'] %}
        coalesce(len({{ term }}_term_interests.topics), 0)
            as {{ term }}_term_count,
        cast(cast(
            list_max({{ term }}_term_interests.weights) as decimal(9, 6)
        ) as double) as {{ term }}_term_top_weight,
        {% endfor %}
        list_filter(
            list_concat(
                long_term_interests.weights,
                short_term_interests.weights
            ),
            lambda weight: weight > 0
        ) as weights,
    from devices
),

-- entropy of the weights' shares, in nats: 0 is one interest only
habits as (
    select
        * exclude (weights),
        -- the last digit of a logarithm depends on machine and engine
        round(ln(list_sum(weights)) - list_sum(list_transform(
            weights, lambda weight: weight * ln(weight)
        )) / list_sum(weights), 9) as interest_entropy,
    from weighed
),

-- one row per device and top-level topic
topic_weights as (
    select
        interests.device_key,
        interests.top_topic_number,
        sum(interests.weight) as weight,
        {% for term in ['long', 'short'] %}
        sum(case
            when
                interests.is_short_term = {{ term == 'short' }}
                and topic_rates.lift >= {{ var('display_ads_telling_lift') }}
                then interests.weight
            when topic_rates.lift is not null then 0
        end) as telling_{{ term }}_term_weight,
        {% endfor %}
    from interests
    left join topic_rates using (topic_number, is_short_term, week)
    where interests.topic_number is not null
    group by interests.device_key, interests.top_topic_number
),

telling as (
    select
        device_key,
        {% for term in ['long', 'short'] %}
        cast(sum(telling_{{ term }}_term_weight) as double)
            as telling_{{ term }}_term_weight,
        {% endfor %}
    from topic_weights
    group by device_key
),

{% if top_topics %}
top_topic_weights as (
    {{ adapter.dispatch('pivot_top_topics')(top_topics) }}
),
{% endif %}

described as (
    select
        -- ids and times
        devices.device_id,
        devices.observed_date,
        cast(
            devices.observed_date
            + interval {{ var('display_ads_outcome_days') }} day as date
        ) as outcome_known_date,

        -- how many interests, how strong, how spread
        habits.* exclude (device_key),

        -- interests that converted more often than others in earlier weeks
        telling.telling_long_term_weight,
        telling.telling_short_term_weight,

        -- weight of each top-level topic: 0 = no interest in it
        {% for top in top_topics %}
        coalesce(cast(top_topic_weights.weight_{{ top.slug }} as float), 0)
            as weight_{{ top.slug }},
        {% endfor %}

        -- outcome
        devices.has_converted,
        case
            when devices.has_converted is null then 'score'
            when
                devices.observed_date
                >= date '{{ last_known or '9999-12-31' }}'
                - interval {{ var('display_ads_test_weeks') - 1 }} week
                then 'test'
            else 'train'
        end as split,
    from devices
    inner join habits using (device_key)
    left join telling using (device_key)
    {% if top_topics %}
    left join top_topic_weights using (device_key)
    {% endif %}
)

select * from described
{% endmacro %}


{# Weight of each top-level topic beside each other, one row per device of topic_weights. #}
{% macro default__pivot_top_topics(top_topics) %}
    select * from (
        pivot (
            select
                device_key,
                top_topic_number,
                weight,
            from topic_weights
        )
        on top_topic_number in (
            {% for top in top_topics %}
            {{ top.number }} as weight_{{ top.slug }},
            {% endfor %}
        )
        using first(weight)
        group by device_key
    )
{% endmacro %}
{% macro spark__pivot_top_topics(top_topics) %}
    select
        device_key,
        {% for top in top_topics %}
        max(weight) filter (where top_topic_number = {{ top.number }})
            as weight_{{ top.slug }},
        {% endfor %}
    from topic_weights
    group by device_key
{% endmacro %}
