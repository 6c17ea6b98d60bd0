-- so many bins from the lowest to the highest probability of a campaign
{% set bins = 20 %}
-- nobody is sure to convert, nor sure not to: log-odds have an end
{% set surest = '1e-9' %}

with scores as (
    select
        campaign,
        split,
        predicted_probability,
        has_converted,
    from {{ ref('judged_scores') }}
    where split in ('test', 'forward')

    union all

    select
        campaign,
        split,
        predicted_probability,
        has_converted,
    from {{ ref('conversion_scores') }}
    where split = 'score'
),

add_bounds as (
    select
        *,
        greatest(
            {{ surest }}, least(1 - {{ surest }}, predicted_probability)
        ) as probability,
        ln(probability / (1 - probability)) as log_odds,
    from scores
),

-- whole log-odds: the same bins for all splits, and no single person's probability
edges as (
    select
        campaign,
        floor(min(log_odds)) as lowest,
        (greatest(ceil(max(log_odds)), floor(min(log_odds)) + 1) - lowest)
        / {{ bins }} as width,
    from add_bounds
    group by campaign
),

bin_values as (
    select
        add_bounds.campaign,
        add_bounds.split,
        least(
            {{ bins }},
            1 + cast(
                floor((add_bounds.log_odds - edges.lowest) / edges.width)
                as integer
            )
        ) as bin,
        add_bounds.has_converted,
    from add_bounds
    inner join edges using (campaign)
),

count_rows as (
    select
        campaign,
        split,
        bin,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
    from bin_values
    group by campaign, split, bin
),

splits as (
    select
        campaign,
        split,
        unnest(range(1, {{ bins }} + 1)) as bin,
    from count_rows
    group by campaign, split
),

-- a bin without a row is a gap that a picture has to show
list_rows as (
    select
        splits.campaign,
        splits.split,
        cast(splits.bin as integer) as bin,
        1 / (1 + exp(-edges.lowest - (splits.bin - 1) * edges.width)) as lower,
        1 / (1 + exp(-edges.lowest - splits.bin * edges.width)) as upper,
        coalesce(count_rows.row_count, 0) as row_count,
        case
            when splits.split != 'score' then coalesce(count_rows.converted, 0)
        end as converted,
    from splits
    inner join edges using (campaign)
    left join count_rows using (campaign, split, bin)
)

select * from list_rows
