-- of a deeper tree a test says that topics are missing
{% set levels = var('topic_levels') %}
{% set draws = 1000 %}

with counts as (
    {{ union_campaigns('topic_counts') }}
),

topics as (
    select
        campaign,
        topic_path,
        parent_path,
        depth,
        cast(sum(row_count) as bigint) as row_count,
        cast(sum(converted) as bigint) as converted,
    from counts
    group by campaign, topic_path, parent_path, depth
),

-- what is known of a rate is Beta(a, b); that of everybody is the data's (Jeffreys)
level_0 as (
    select
        *,
        cast(null as double) as prior_rate,
        converted + 0.5 as a,
        row_count - converted + 0.5 as b,
    from topics
    where depth = 0
),

{% for level in range(1, levels + 1) %}
-- a topic's conversions must not count twice: its prior is what is known of the
-- parent from the parent's other devices (of the first level's parent, from all)
level_{{ level }}_others as (
    select
        topics.*,
        parents.a{{ ' - topics.converted' if level > 1 }} as others_a,
        parents.b
        {{- ' + topics.converted - topics.row_count' if level > 1 }}
            as others_b,
        others_a / (others_a + others_b) as others_rate,
        others_b / (others_a * (others_a + others_b + 1)) as others_variance,
        cast(topics.row_count * others_rate as decimal(38, 12))
            as expected_of_others,
    from topics
    inner join level_{{ level - 1 }} as parents
        on
            topics.campaign = parents.campaign
            and topics.parent_path = parents.topic_path
),

-- the deeper, the more interests a device has and the more often it converts: the
-- odds of a level, all topics together. Sums of decimals do not depend on the order.
level_{{ level }}_expected as (
    select
        *,
        (sum(converted) over whole + 0.5)
        / (sum(row_count - converted) over whole + 0.5)
        / (cast(sum(expected_of_others) over whole as double) + 0.5)
        * (
            cast(sum(row_count - expected_of_others) over whole as double) + 0.5
        ) as odds_ratio,
        others_rate * odds_ratio
        / (1 - others_rate + others_rate * odds_ratio) as prior_rate,
        row_count * prior_rate as expected,
        greatest(1, expected) as weight,
    from level_{{ level }}_others
    window whole as (partition by campaign)
),

-- what squared residuals have beyond chance and the uncertainty of the parents
level_{{ level }}_spread as (
    select
        *,
        greatest(0, coalesce(
            cast(sum(cast((
                (converted - expected) * (converted - expected)
                - expected * (1 - prior_rate)
                - expected * expected * others_variance
            ) / weight as decimal(38, 12))) over whole as double)
            / nullif(cast(sum(cast(
                expected * expected * (1 + others_variance) / weight
                as decimal(38, 12)
            )) over whole as double), 0),
            0
        )) as spread,
        others_variance + spread * (1 + others_variance) as prior_variance,
    from level_{{ level }}_expected
    window whole as (partition by campaign)
),

-- a prior weighs at least half a conversion and half a non-conversion (Jeffreys)
level_{{ level }} as (
    select
        campaign,
        topic_path,
        parent_path,
        depth,
        row_count,
        converted,
        prior_rate,
        greatest(
            (1 - prior_rate) / (prior_rate * prior_variance) - 1,
            0.5 / least(prior_rate, 1 - prior_rate)
        ) as prior_rows,
        prior_rows * prior_rate + converted as a,
        prior_rows * (1 - prior_rate) + row_count - converted as b,
    from level_{{ level }}_spread
),

{% endfor %}
known as (
    {% for level in range(1, levels + 1) %}
    select * from level_{{ level }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

-- a build repeats itself: a topic's draws depend on nothing but its path and shapes
drawn as (
    select
        campaign,
        depth,
        topic_path,
        beta_draws(
            {{ hash_bucket('concat(campaign, topic_path)', 2 ** 32) }},
            a, b, {{ draws }}
        ) as rates,
    from known
),

drawn_rates as (
    select
        campaign,
        depth,
        topic_path,
        generate_subscripts(rates, 1) as draw,
        unnest(rates) as rate,
    from drawn
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
    from drawn_rates
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

bounded as (
    select
        known.*,
        known.converted / cast(known.row_count as double) as conversion_rate,
        known.a / (known.a + known.b) as shrunk_rate,
        beta_quantile(0.025, known.a, known.b) as lower,
        beta_quantile(0.975, known.a, known.b) as upper,
        everybody.converted / cast(everybody.row_count as double) as base_rate,
        cast(coalesce(certainties.probability_in_best_five, 0) as double)
            as probability_in_best_five,
    from known
    left join certainties using (campaign, topic_path)
    inner join level_0 as everybody using (campaign)
),

judged as (
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
    from bounded
)

select * from judged
