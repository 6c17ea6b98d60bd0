with segmenters as (
    select * from {{ ref('segmenters') }}
),

descriptions as (
    {{ feature_descriptions() }}
),

-- a campaign's features and customers may both describe a column: once is enough
campaign_descriptions as (
    select
        segmenters.campaign,
        descriptions.feature,
        min(descriptions.description) as description,
    from segmenters
    inner join descriptions
        on starts_with(descriptions.mart, concat(segmenters.campaign, '_'))
    group by segmenters.campaign, descriptions.feature
),

profiles as (
    select
        campaign,
        unnest(profiles, recursive := true),
    from segmenters
),

rank_rows as (
    select
        profiles.campaign,
        profiles.segment_id,
        profiles.feature,
        profiles.segment_mean,
        profiles.overall_mean,
        profiles.standardised_difference,
        profiles.top_category,
        row_number() over (
            partition by profiles.campaign, profiles.segment_id
            order by
                abs(profiles.standardised_difference) desc,
                profiles.feature asc
        ) as rank,
        campaign_descriptions.description,
    from profiles
    left join campaign_descriptions using (campaign, feature)
)

select * from rank_rows
