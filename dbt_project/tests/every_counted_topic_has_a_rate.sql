-- a topic that hangs below nothing, or too deep, would have none
with counts as (
    {{ union_campaigns('topic_counts') }}
),

counted as (
    select
        campaign,
        topic_path,
        sum(row_count) as row_count,
    from counts
    where depth > 0
    group by campaign, topic_path
)

select counted.*
from counted
full join {{ ref('conversion_topics') }} as topics
    using (campaign, topic_path)
where counted.row_count is distinct from topics.row_count
