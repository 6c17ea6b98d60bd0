-- the deciles of a split hold all its rows and conversions, once
with gains as (
    select
        campaign,
        split,
        sum(contacted) as contacted,
        sum(converted) as converted,
        max(cumulative_share_of_conversions) as whole,
    from {{ ref('conversion_gains') }}
    group by campaign, split
),

scores as (
    select
        campaign,
        split,
        count(*) as contacted,
        count(*) filter (where has_converted) as converted,
    from {{ ref('judged_scores') }}
    group by campaign, split
)

select scores.* from scores
left join gains using (campaign, split)
where
    gains.contacted is distinct from scores.contacted
    or gains.converted is distinct from scores.converted
    or (scores.converted > 0 and abs(gains.whole - 1) > 1e-12)
