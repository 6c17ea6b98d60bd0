-- a topic that hangs below nothing, or too deep, would have none
with counts as (
    {{ union_campaigns('topic_counts') }}
),

count_rows as (
    select
        campaign,
        topic_path,
        sum(row_count) as row_count,
    from counts
    where depth > 0
    group by campaign, topic_path
)

select count_rows.*
from count_rows
full join {{ ref('conversion_topics') }} as topics
    using (campaign, topic_path)
where count_rows.row_count is distinct from topics.row_count
