-- bins hold every row that a split has a probability of, once, at the edges that they name
with bins as (
    select
        campaign,
        split,
        bin,
        row_count,
        coalesce(converted, 0) as converted,
        lower,
        lead(lower) over (partition by campaign, split order by bin) as next,
        upper,
        count(*) over (partition by campaign, split) as bin_count,
    from {{ ref('conversion_score_counts') }}
),

scores as (
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

count_rows as (
    select
        bins.campaign,
        bins.split,
        bins.bin,
        count(scores.campaign) as row_count,
        count(*) filter (where scores.has_converted) as converted,
    from bins
    left join scores
        on
            bins.campaign = scores.campaign
            and bins.split = scores.split
            and bins.lower <= scores.predicted_probability
            and bins.upper > scores.predicted_probability
    group by bins.campaign, bins.split, bins.bin
)

select bins.*
from bins
left join count_rows using (campaign, split, bin)
where
    bins.row_count != count_rows.row_count
    or bins.converted != count_rows.converted
    or bins.bin_count != 20
    or bins.upper <= bins.lower
    or abs(bins.upper - bins.next) > 1e-12
