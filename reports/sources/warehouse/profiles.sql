-- One row per campaign, feature and category of at least ten rows in which converters
-- differ from the rest by more than chance (q under 5 %).
with

telling as (
    select
        profiles.*,
        row_number() over categories_of_feature as rank_in_feature
    from results.converter_profiles as profiles
    inner join results.campaigns as campaigns
        on profiles.campaign = campaigns.campaign
    where
        campaigns.variant_of is null
        and profiles.q_value < 0.05
        and profiles.converter_count + profiles.rest_count >= 10
    window categories_of_feature as (
        partition by profiles.campaign, profiles.feature
        order by
            profiles.index_value > 100 desc,
            profiles.q_value asc,
            profiles.category asc
    )
),

-- a bar per feature, that of its surest category, so that ten bars tell ten things
ranked as (
    select
        *,
        case
            when rank_in_feature = 1 and index_value > 100
                then row_number() over surest
        end as rank
    from telling
    window surest as (
        partition by campaign, rank_in_feature, index_value > 100
        order by q_value, feature
    )
)

select
    ranked.campaign,
    ranked.rank,
    replace(ranked.feature, '_', ' ') as feature,
    ranked.category,
    concat(replace(ranked.feature, '_', ' '), ': ', ranked.category) as label,
    ranked.converter_count + ranked.rest_count as row_count,
    ranked.share_of_converters,
    ranked.share_of_rest,
    ranked.index_value,
    ranked.q_value
from (select 1) as guard
left join ranked on true
