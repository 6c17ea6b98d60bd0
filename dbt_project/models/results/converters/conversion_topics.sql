{% set draws = 1000 %}

with topics as (
    select * from {{ ref('topic_rates') }}
),

-- a build repeats itself: a topic's draws depend on nothing but its path and shapes
draw_rates as (
    select
        campaign,
        depth,
        topic_path,
        beta_draws(
            {{ hash_bucket('concat(campaign, topic_path)', 2 ** 32) }},
            a, b, {{ draws }}
        ) as rates,
    from topics
),

list_draws as (
    select
        campaign,
        depth,
        topic_path,
        generate_subscripts(rates, 1) as draw,
        unnest(rates) as rate,
    from draw_rates
),

-- the five best of each draw; of equal rates the later path's
best_of_draws as (
    select
        campaign,
        unnest(max(
            {
                'rate': rate,
                'topic_path': topic_path
            },
            5
        )).topic_path as topic_path,
    from list_draws
    group by campaign, depth, draw
),

certainties as (
    select
        campaign,
        topic_path,
        count(*) / {{ draws }}.0 as probability_in_best_five,
    from best_of_draws
    group by campaign, topic_path
),

add_bounds as (
    select
        topics.*,
        topics.converted / cast(topics.row_count as double) as conversion_rate,
        topics.a / (topics.a + topics.b) as shrunk_rate,
        beta_quantile(0.025, topics.a, topics.b) as lower,
        beta_quantile(0.975, topics.a, topics.b) as upper,
        cast(coalesce(certainties.probability_in_best_five, 0) as double)
            as probability_in_best_five,
    from topics
    left join certainties using (campaign, topic_path)
),

rank_topics as (
    select
        campaign,
        topic_path,
        nullif(parent_path, '') as parent_path,
        split_part(topic_path, '/', -1) as topic,
        depth,
        row_count,
        converted,
        conversion_rate,
        prior_rate,
        shrunk_rate,
        lower,
        upper,
        shrunk_rate / nullif(base_rate, 0) as lift,
        row_number() over (
            partition by campaign, depth
            order by shrunk_rate desc, topic_path asc
        ) as rank,
        probability_in_best_five,
        row_count >= {{ var('smallest_cell') }}
        and upper - lower <= greatest(shrunk_rate, base_rate) as is_reliable,
    from add_bounds
)

select * from rank_topics
