with facts as (
    select * from {{ ref('campaign_facts') }}
),

quality as (
    select * from {{ ref('campaign_quality') }}
),

texts as (
    select * from {{ ref('campaigns_worded') }}
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

held_back as (
    select * from {{ ref('held_back_campaigns') }}
),

combine_campaigns as (
    select
        facts.campaign,
        facts.title,
        facts.question,
        facts.variant_of,
        facts.not_usable_reason,
        facts.entity,
        facts.label,
        facts.decide_by,
        facts.contact_cost,
        facts.conversion_value,
        facts.currency,
        facts.source_kind,
        texts.source_note,
        facts.entity_count,
        facts.train_count,
        facts.test_count,
        facts.score_count,
        facts.conversion_count,
        facts.base_rate,
        facts.first_as_of,
        facts.last_as_of,
        facts.model_version,
        facts.algorithm,
        policies.threshold,
        policies.threshold_policy,
        policies.is_promise_kept,
        policies.promise_note,
        coalesce(quality.judged_split, 'test') as judged_split,
        coalesce(quality.judged_count, 0) as judged_count,
        coalesce(quality.contact_count, 0) as contact_count,
        coalesce(quality.expected_conversions, 0)
            as expected_conversions,
        facts.score_contact_count,
        facts.score_expected_conversions,
        case
            when not facts.has_champion then facts.refused_reason
        end as refused_reason,
        case
            when facts.has_champion
                then facts.refused_reason
        end as refused_training,
        held_back.held_back_reason,
        facts.accepted_leaks,
        facts.leak_warning_count,
        coalesce(quality.graded_split, 'test') as graded_split,
        texts.quality_grade,
        texts.quality_reason,
        facts.scored_at,
    from facts
    inner join texts using (campaign)
    left join quality using (campaign)
    left join policies using (campaign)
    left join held_back using (campaign)
)

select * from combine_campaigns
