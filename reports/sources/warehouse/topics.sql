-- One row per campaign and interest topic of at least ten rows: all of the first
-- level, the fifteen best of each other. Rates are conversions per 100,000 rows.
with

topics as (
    select
        *,
        100000 * shrunk_rate as per_100000,
        probability_in_best_five >= 0.95 as is_sure,
        row_number() over (
            partition by campaign, depth
            order by rank
        ) as shown_rank
    from results.conversion_topics
    where row_count >= 10
)

select
    topics.campaign,
    topics.depth,
    topics.rank,
    -- under its first level the path says where: "Finance: Loans"
    replace(substr(topics.topic_path, 2), '/', ': ') as topic,
    topics.row_count,
    100000 * topics.conversion_rate as raw_per_100000,
    topics.per_100000,
    100000 * topics.lower as lower,
    100000 * topics.upper as upper,
    topics.lift,
    topics.probability_in_best_five,
    topics.is_sure,
    case when topics.is_sure then 'surely among the best five' else 'place not sure' end
        as certainty
from (select 1) as guard
left join topics
    on topics.depth = 1 or topics.shown_rank <= 15
