with interest_topics as (
    {{ cleaned_rows('display_ads', 'interest_topics') }}
),

-- /Arts & Entertainment/Movies lies under /Arts & Entertainment
place_rows as (
    select
        topic_id,
        -- a short key for the ten interests of each of millions of devices
        cast(row_number() over (order by topic_id) as usmallint)
            as topic_number,
        topic_path,
        split_part(topic_path, '/', 2) as top_topic,
        cast(dense_rank() over (order by top_topic) as usmallint)
            as top_topic_number,
        nullif(regexp_replace(topic_path, '/[^/]*$', ''), '') as parent_path,
        len(string_split(topic_path, '/')) - 1 as depth,
        file_name,
        row_number,
    from interest_topics
)

select * from place_rows
