-- One row per campaign and pair of segments between which at least ten people
-- moved, over all days.
with

pairs as (
    select
        campaign,
        from_segment_id,
        to_segment_id,
        sum(member_count) as member_count
    from results.segment_migrations
    group by campaign, from_segment_id, to_segment_id
),

-- a segment that is no more has no name left
named as (
    select
        pairs.campaign,
        coalesce(before.segment_name, concat('a former segment, no. ', pairs.from_segment_id)) as from_segment,
        coalesce(since.segment_name, concat('a former segment, no. ', pairs.to_segment_id)) as to_segment,
        cast(pairs.member_count as integer) as member_count
    from pairs
    left join results.segments as before
        on pairs.campaign = before.campaign
        and pairs.from_segment_id = before.segment_id
    left join results.segments as since
        on pairs.campaign = since.campaign
        and pairs.to_segment_id = since.segment_id
    where pairs.member_count >= 10
)

select
    named.campaign,
    concat('From: ', named.from_segment) as from_segment,
    concat('To: ', named.to_segment) as to_segment,
    named.member_count
from (select 1) as guard
left join named on true
