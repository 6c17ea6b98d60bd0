-- of a deeper tree a test says that topics are missing
{% set levels = var('topic_levels') %}

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
        expected * (1 - prior_rate)
        + expected * expected * others_variance as chance,
    from level_{{ level }}_others
    window whole as (partition by campaign)
),

-- what squared residuals have beyond chance and the uncertainty of the parents
level_{{ level }}_residuals as (
    select
        *,
        cast(sum(cast((
            (converted - expected) * (converted - expected) - chance
        ) / weight as decimal(38, 12))) over whole as double) as beyond_chance,
        -- of counts, squares of residuals vary by twice the square and by the count
        cast(sum(cast(
            (2 * chance * chance + chance) / (weight * weight)
            as decimal(38, 12)
        )) over whole as double) as beyond_variance,
        cast(sum(cast(
            expected * expected * (1 + others_variance) / weight
            as decimal(38, 12)
        )) over whole as double) as scale,
    from level_{{ level }}_expected
    window whole as (partition by campaign)
),

-- never 0: topics that differ no more than by chance may differ by what chance hides
level_{{ level }}_spread as (
    select
        *,
        coalesce((
            beyond_chance + sqrt(
                beyond_chance * beyond_chance + beyond_variance * 8 / pi()
            )
        ) / 2 / nullif(scale, 0), 0) as spread,
        others_variance + spread * (1 + others_variance) as prior_variance,
    from level_{{ level }}_residuals
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

-- level 0 is everybody
add_base_rate as (
    select
        known.*,
        everybody.converted / cast(everybody.row_count as double) as base_rate,
    from known
    inner join level_0 as everybody using (campaign)
)

select * from add_base_rate
