-- One row per campaign, with what its chosen threshold does on rows that no
-- model has seen; under ten chosen rows have no figures. Variants are here too: the page
-- of their campaign names them.
with

judged as (
    select
        campaign,
        split,
        sum(converted) / sum(contacted) as judged_base_rate
    from results.conversion_gains
    group by campaign, split
),

chosen as (
    select * from results.conversion_thresholds
    where is_chosen and contacted >= 10
),

segmented as (
    select
        campaign,
        count(*) as segment_count
    from results.segments
    group by campaign
),

checked as (
    select
        campaign,
        count(*) as leak_check_count,
        count(*) filter (where status = 'pass') as leak_passed_count
    from results.leakage_checks
    group by campaign
),

champions as (
    select
        *,
        len(features) as feature_count
    from results.conversion_models
    where is_champion
),

metrics as (
    select
        campaign,
        model_version,
        split,
        max(value) filter (where metric = 'roc_auc') as roc_auc,
        max(value) filter (where metric = 'f1') as f1
    from results.conversion_metrics
    group by campaign, model_version, split
)

select
    campaigns.campaign,
    campaigns.title,
    campaigns.question,
    campaigns.variant_of,
    campaigns.not_usable_reason,
    regexp_replace(campaigns.entity, '_id$', '') as entity,
    campaigns.source_kind,
    campaigns.source_note,
    campaigns.entity_count,
    campaigns.train_count,
    campaigns.test_count,
    campaigns.judged_count,
    campaigns.judged_split,
    campaigns.score_count,
    campaigns.conversion_count,
    strftime(campaigns.first_as_of, '%-d %B %Y') as first_as_of,
    strftime(campaigns.last_as_of, '%-d %B %Y') as last_as_of,
    campaigns.base_rate,
    replace(campaigns.algorithm, '_', ' ') as algorithm,
    campaigns.threshold,
    case campaigns.threshold_policy
        when 'f1' then 'the highest F1'
        when 'profit' then 'the highest profit'
        when 'fixed' then 'fixed beforehand'
        when 'precision_at_least' then 'most conversions at the promised precision'
        when 'false_alarms_at_most' then 'most conversions within the promised false alarms'
        else campaigns.threshold_policy
    end as threshold_policy,
    campaigns.promise_note,
    campaigns.contact_count between 1 and 9 as is_few_chosen,
    case when campaigns.contact_count not between 1 and 9 then campaigns.contact_count end
        as contact_count,
    campaigns.expected_conversions,
    campaigns.refused_reason,
    campaigns.refused_training,
    campaigns.held_back_reason,
    campaigns.accepted_leaks,
    coalesce(checked.leak_check_count, 0) as leak_check_count,
    coalesce(checked.leak_passed_count, 0) as leak_passed_count,
    campaigns.model_version,
    champions.imbalance,
    champions.calibration,
    champions.feature_count,
    champions.training_rows,
    champions.training_positives,
    champions.refit_rows,
    strftime(champions.trained_at, '%-d %B %Y') as trained_on,
    campaigns.currency,
    campaigns.quality_grade,
    campaigns.quality_reason,
    strftime(campaigns.scored_at, '%-d %B %Y') as scored_on,
    judged.judged_base_rate,
    chosen.true_positives as conversions,
    chosen.precision as contacted_rate,
    chosen.precision / judged.judged_base_rate as contacted_lift,
    chosen.recall as found_share,
    chosen.expected_profit,
    metrics.roc_auc,
    metrics.f1,
    coalesce(segmented.segment_count, 0) as segment_count
from (select 1) as guard
left join results.campaigns as campaigns on true
left join judged
    on campaigns.campaign = judged.campaign
    and campaigns.judged_split = judged.split
left join chosen
    on campaigns.campaign = chosen.campaign
    and campaigns.judged_split = chosen.split
left join metrics
    on campaigns.campaign = metrics.campaign
    and campaigns.model_version = metrics.model_version
    and campaigns.judged_split = metrics.split
left join checked on campaigns.campaign = checked.campaign
left join champions on campaigns.campaign = champions.campaign
left join segmented on campaigns.campaign = segmented.campaign
