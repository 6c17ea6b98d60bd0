-- One row per campaign and feature: how much is missing, where numbers lie, what differs most between
-- converters and the rest (rank 1), and what goes with it most.
with

closest as (
    select
        campaign,
        feature,
        max_by(other_feature, association) as other_feature,
        max(association) as association
    from results.feature_associations
    group by campaign, feature
),

ranked as (
    select
        summaries.*,
        factors.rank as model_rank,
        closest.other_feature,
        closest.association,
        row_number() over (
            partition by summaries.campaign
            order by
                summaries.outcome_association desc nulls last,
                closest.association desc nulls last,
                summaries.feature
        ) as rank
    from results.feature_summaries as summaries
    left join results.conversion_factors as factors
        on summaries.campaign = factors.campaign and summaries.feature = factors.feature
    left join closest
        on summaries.campaign = closest.campaign and summaries.feature = closest.feature
)

select
    ranked.campaign,
    ranked.rank,
    replace(ranked.feature, '_', ' ') as feature,
    ranked.feature_kind,
    ranked.row_count,
    -- how few of a small group have a value would be known of single people
    case
        when ranked.missing_count = 0 or ranked.missing_count >= 10
            then ranked.missing_count / ranked.row_count
    end as missing_share,
    ranked.mean,
    ranked.p05,
    ranked.p25,
    ranked.median,
    ranked.p75,
    ranked.p95,
    ranked.outcome_association,
    ranked.model_rank,
    replace(ranked.other_feature, '_', ' ') as other_feature,
    ranked.association
from (select 1) as guard
left join ranked on true
order by ranked.campaign, ranked.rank
