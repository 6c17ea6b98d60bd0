with scores as (
    select * from {{ ref('judged_scores') }}
),

deciles as (
    select
        campaign,
        split,
        decile,
        count(*) as contacted,
        count(*) filter (where has_converted) as converted,
    from scores
    group by campaign, split, decile
),

totals as (
    select
        campaign,
        split,
        sum(contacted) as rows_in_split,
        sum(converted) as positives,
    from deciles
    group by campaign, split
),

add_gains as (
    select
        deciles.campaign,
        deciles.split,
        deciles.decile,
        deciles.contacted,
        deciles.converted,
        deciles.converted / cast(deciles.contacted as double)
            as conversion_rate,
        (deciles.converted / cast(deciles.contacted as double))
        / nullif(totals.positives / cast(totals.rows_in_split as double), 0)
            as lift,
        sum(deciles.converted) over (
            partition by deciles.campaign, deciles.split
            order by deciles.decile
        ) / nullif(cast(totals.positives as double), 0)
            as cumulative_share_of_conversions,
    from deciles
    inner join totals using (campaign, split)
)

select * from add_gains
