with newest as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

outcomes as (
    {{ union_campaigns('scores') }}
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

metrics as (
    select * from {{ ref('conversion_metrics') }}
    where split = 'test'
),

source_kinds as (
    {% for source in var('default_inputs') %}
    select
        '{{ source }}' as source,
        '{{ source_kind(source) }}' as source_kind
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

declared as (
    select
        campaign,
        declaration ->> 'title' as title,
        declaration ->> 'question' as question,
        declaration ->> 'variant_of' as variant_of,
        declaration ->> 'not_usable_reason' as not_usable_reason,
        declaration ->> 'entity' as entity,
        declaration ->> 'label' as label,
        declaration ->> 'policy' as decide_by,
        cast(declaration ->> 'contact_cost' as double) as contact_cost,
        cast(declaration ->> 'conversion_value' as double) as conversion_value,
        declaration ->> 'source' as source,
        declaration ->> 'source_note' as source_note,
        model_version,
        algorithm,
        refused_reason,
    from newest
),

counted as (
    select
        campaign,
        count(*) as entity_count,
        count(*) filter (where split = 'train') as train_count,
        count(*) filter (where split = 'test') as test_count,
        count(*) filter (where split = 'score') as score_count,
        count(*) filter (where has_converted) as conversion_count,
        avg(cast(has_converted as integer)) as base_rate,
        max(scored_at) as scored_at,
    from outcomes
    group by campaign
),

contacts as (
    select
        campaign,
        count(*) filter (where split = 'test') as contact_count,
        sum(predicted_probability) filter (where split = 'test')
            as expected_conversions,
        count(*) filter (where split = 'score') as score_contact_count,
        sum(predicted_probability) filter (where split = 'score')
            as score_expected_conversions,
    from {{ ref('conversion_scores') }}
    where predicted_conversion
    group by campaign
),

quality as (
    select
        campaign,
        max(value) filter (where metric = 'roc_auc') as roc_auc,
        max(lower) filter (where metric = 'roc_auc') as roc_auc_lower,
        max(upper) filter (where metric = 'roc_auc') as roc_auc_upper,
    from metrics
    group by campaign
),

graded as (
    select
        declared.campaign,
        declared.title,
        declared.question,
        declared.variant_of,
        declared.not_usable_reason,
        declared.entity,
        declared.label,
        declared.decide_by,
        declared.contact_cost,
        declared.conversion_value,
        -- a declared source without default input can only be its owner's
        coalesce(source_kinds.source_kind, 'own') as source_kind,
        case
            when coalesce(source_kinds.source_kind, 'own') = 'own'
                then 'Your own file.'
            else declared.source_note
        end as source_note,
        counted.entity_count,
        counted.train_count,
        counted.test_count,
        counted.score_count,
        counted.conversion_count,
        counted.base_rate,
        declared.model_version,
        declared.algorithm,
        policies.threshold,
        policies.threshold_policy,
        policies.is_promise_kept,
        coalesce(contacts.contact_count, 0) as contact_count,
        coalesce(contacts.expected_conversions, 0) as expected_conversions,
        coalesce(contacts.score_contact_count, 0) as score_contact_count,
        coalesce(contacts.score_expected_conversions, 0)
            as score_expected_conversions,
        'test' as judged_split,
        declared.refused_reason,
        case
            when declared.refused_reason is not null then 'refused'
            when quality.roc_auc is null then 'unknown'
            when quality.roc_auc >= 0.8 then 'strong'
            when quality.roc_auc >= 0.7 then 'good'
            when quality.roc_auc >= 0.6 then 'fair'
            else 'weak'
        end as quality_grade,
        case
            when declared.refused_reason is not null
                then declared.refused_reason
            when quality.roc_auc is null
                then 'No test row with a known outcome: nothing to judge by.'
            else
                format(
                    'ROC AUC {:.3f} (95 % interval {:.3f} to {:.3f}) on {:,} '
                    || 'test rows that no model has seen.',
                    quality.roc_auc,
                    quality.roc_auc_lower,
                    quality.roc_auc_upper,
                    counted.test_count
                )
        end as quality_reason,
        counted.scored_at,
    from declared
    inner join counted using (campaign)
    left join source_kinds using (source)
    left join policies using (campaign)
    left join contacts using (campaign)
    left join quality using (campaign)
)

select * from graded
