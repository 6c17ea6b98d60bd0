-- One row per campaign, segment of at least ten members and feature: the five
-- features that set a segment apart most.
with

profiles as (
    select
        profiles.*,
        segments.segment_name
    from results.segment_profiles as profiles
    inner join results.segments as segments
        on profiles.campaign = segments.campaign
        and profiles.segment_id = segments.segment_id
    where
        not segments.is_small
        and profiles.rank <= 5
)

select
    profiles.campaign,
    profiles.segment_id,
    profiles.segment_name,
    profiles.rank,
    concat_ws(
        ': ',
        replace(profiles.feature, '_', ' '),
        profiles.top_category
    ) as feature,
    profiles.segment_mean,
    profiles.overall_mean,
    profiles.standardised_difference,
    profiles.description
from (select 1) as guard
left join profiles on true
