{#
    Body of display_ads_topic_counts for a block of devices, first to first + size - 1: a
    device counts once for a topic, which is found out for so many devices at a time.
#}
{% macro display_ads_topic_block(first) %}
{% set size = var('display_ads_block_size') %}
with devices as (
    select * from {{ ref('stg_display_ads__devices') }}
    where
        device_key between {{ first }} and {{ first + size - 1 }}
        and has_converted is not null
),

{{ listed_interests() }},

-- /Arts/Movies/Awards, /Arts/Movies and /Arts, even where the tree has no /Arts
topics_and_above as (
    select
        topic_number,
        unnest(list_transform(
            range(2, len(string_split(topic_path, '/')) + 1),
            lambda place: array_to_string(
                string_split(topic_path, '/')[:place], '/'
            )
        )) as topic_path,
    from topics
),

paths as (
    select
        topic_path,
        row_number() over (order by topic_path) as path_number,
    from topics_and_above
    group by topic_path
),

numbered as (
    select
        topics_and_above.topic_number,
        list(paths.path_number) as path_numbers,
    from topics_and_above
    inner join paths using (topic_path)
    group by topics_and_above.topic_number
),

-- once each, however many interests lie in or under the topic
device_paths as (
    select
        interests.device_key,
        any_value(interests.has_converted) as has_converted,
        list_distinct(flatten(list(numbered.path_numbers))) as path_numbers,
    from interests
    inner join numbered using (topic_number)
    group by interests.device_key
),

listed_paths as (
    select
        has_converted,
        unnest(path_numbers) as path_number,
    from device_paths
),

counted as (
    select
        paths.topic_path,
        count(*) as row_count,
        count(*) filter (where listed_paths.has_converted) as converted,
    from listed_paths
    inner join paths using (path_number)
    group by paths.topic_path

    union all

    -- above the first level: everybody
    select
        '' as topic_path,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
    from devices
),

placed as (
    select
        'display_ads' as campaign,
        cast({{ first }} as bigint) as first_device_key,
        topic_path,
        case
            when topic_path != ''
                then regexp_replace(topic_path, '/[^/]*$', '')
        end as parent_path,
        len(string_split(topic_path, '/')) - 1 as depth,
        row_count,
        converted,
    from counted
)

select * from placed
{% endmacro %}
