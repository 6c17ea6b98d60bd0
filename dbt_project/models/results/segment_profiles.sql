with segmenters as (
    select * from {{ ref('segmenters') }}
),

descriptions as (
    {{ feature_descriptions() }}
),

descriptions_by_feature as (
    select
        split_part(mart, '_', 1) as campaign,
        feature,
        any_value(description) as description,
    from descriptions
    group by split_part(mart, '_', 1), feature
),

profiles as (
    select
        campaign,
        unnest(profiles) as profile,
    from segmenters
),

ranked as (
    select
        profiles.campaign,
        profile.segment_id as segment_id,
        profile.feature as feature,
        profile.segment_mean as segment_mean,
        profile.overall_mean as overall_mean,
        profile.standardised_difference as standardised_difference,
        profile.top_category as top_category,
        cast(row_number() over (
            partition by profiles.campaign, profile.segment_id
            order by abs(profile.standardised_difference) desc, profile.feature
        ) as integer) as rank,
        descriptions_by_feature.description,
    from profiles
    left join descriptions_by_feature
        on profiles.campaign = descriptions_by_feature.campaign
        and profile.feature = descriptions_by_feature.feature
)

select * from ranked
