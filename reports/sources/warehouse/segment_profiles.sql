-- One row per campaign, segment of at least ten members, feature and segment
-- that it is compared with: the segment itself (closeness 0) and the two large
-- ones that lie nearest (1 and 2). The features are the eight that set the
-- segment apart most, if they do. Of a text the other segment's difference is known only
-- where the same category stands out there.
with

shown as (
    select * from results.segments
    where not is_small
),

nearest as (
    select
        distances.campaign,
        distances.segment_id,
        distances.other_segment_id,
        row_number() over (
            partition by distances.campaign, distances.segment_id
            order by distances.rank
        ) as closeness
    from results.segment_distances as distances
    inner join shown as others
        on distances.campaign = others.campaign
        and distances.other_segment_id = others.segment_id
),

compared as (
    select
        campaign,
        segment_id,
        segment_id as other_segment_id,
        0 as closeness
    from shown
    union all
    select * from nearest
    where closeness <= 2
),

profiles as (
    select
        own.campaign,
        own.segment_id,
        compared.closeness,
        others.segment_name,
        case compared.closeness
            when 0 then 'This segment'
            when 1 then 'The nearest'
            else 'The second nearest'
        end as compared_with,
        own.rank,
        concat_ws(': ', replace(own.feature, '_', ' '), own.top_category) as feature,
        case
            when theirs.top_category is not distinct from own.top_category
                then theirs.segment_mean
        end as segment_mean,
        own.overall_mean,
        case
            when theirs.top_category is not distinct from own.top_category
                then theirs.standardised_difference
        end as standardised_difference,
        own.top_category is not null as is_share,
        concat(
            case
                when abs(own.standardised_difference) >= 1 then 'far '
                when abs(own.standardised_difference) < 0.5 then 'a little '
                else ''
            end,
            case when own.standardised_difference > 0 then 'more' else 'less' end
        ) as in_words,
        regexp_replace(own.description, '[.;].*$', '') as description
    from compared
    inner join shown
        on compared.campaign = shown.campaign
        and compared.segment_id = shown.segment_id
    inner join shown as others
        on compared.campaign = others.campaign
        and compared.other_segment_id = others.segment_id
    inner join results.segment_profiles as own
        on compared.campaign = own.campaign
        and compared.segment_id = own.segment_id
        and own.rank <= 8
        and (own.rank <= 3 or abs(own.standardised_difference) >= 0.1)
    inner join results.segment_profiles as theirs
        on own.campaign = theirs.campaign
        and compared.other_segment_id = theirs.segment_id
        and own.feature = theirs.feature
)

select profiles.*
from (select 1) as guard
left join profiles on true
