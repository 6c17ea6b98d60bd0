-- a parent has at least what each child has; a shrunk rate lies in its interval, and
-- between the rate and what it is drawn towards; five topics of a level are the best
with topics as (
    select
        *,
        sum(probability_in_best_five) over (
            partition by campaign, depth
        ) as best_five,
        count(*) over (partition by campaign, depth) as topic_count,
    from {{ ref('conversion_topics') }}
)

select topics.*
from topics
left join topics as parents
    on
        topics.campaign = parents.campaign
        and topics.parent_path = parents.topic_path
where
    topics.depth != coalesce(parents.depth, 0) + 1
    or topics.row_count > parents.row_count
    or topics.converted > parents.converted
    or topics.shrunk_rate not between topics.lower and topics.upper
    or topics.shrunk_rate
    < least(topics.conversion_rate, topics.prior_rate) - 1e-12
    or topics.shrunk_rate
    > greatest(topics.conversion_rate, topics.prior_rate) + 1e-12
    or abs(topics.best_five - least(5, topics.topic_count)) > 1e-9
