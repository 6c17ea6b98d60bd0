with thresholds as (
    select * from {{ ref('conversion_curves') }}
    where split = 'train' and policy = 'false_alarms_at_most'
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

promising_campaigns as (
    select distinct campaign from thresholds
),

new_rows as (
    select outcomes.*
    from outcomes
    semi join promising_campaigns
        on outcomes.campaign = promising_campaigns.campaign
    where
        outcomes.split != 'train'
        and outcomes.predicted_probability is not null
),

splits as (
    select distinct
        campaign,
        split,
    from new_rows
),

-- new rows may score higher than known ones did, whatever comes of them: how many would
-- be contacted needs no outcome
events as (
    select
        campaign,
        split,
        predicted_probability as probability,
        1 as row_count,
        false as is_threshold,
    from new_rows

    union all

    select
        thresholds.campaign,
        splits.split,
        thresholds.threshold as probability,
        0 as row_count,
        true as is_threshold,
    from thresholds
    inner join splits on thresholds.campaign = splits.campaign
),

add_contacted_share as (
    select
        campaign,
        probability as threshold,
        is_threshold,
        sum(row_count) over from_the_top
        / cast(sum(row_count) over whole as double) as share,
    from events
    window
        whole as (partition by campaign, split),
        from_the_top as (
            partition by campaign, split
            order by probability desc
            range between unbounded preceding and current row
        )
),

find_highest_shares as (
    select
        campaign,
        threshold,
        max(share) as share,
    from add_contacted_share
    where is_threshold
    group by campaign, threshold
)

select * from find_highest_shares
