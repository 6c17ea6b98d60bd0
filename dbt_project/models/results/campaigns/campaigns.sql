-- the letters that reports print beside money
{% set currency = var('currency') | string %}
{% if not modules.re.fullmatch('[A-Z]{3}', currency) %}
{% do exceptions.raise_compiler_error(
    "Variable currency is '" ~ currency ~ "': allowed is a code of three capital"
    ~ " letters (ISO 4217), such as EUR."
) %}
{% endif %}
-- marts whose features are as of a time: from when to when their rows are
{% set dated = [] %}
{% for mart in all_marts() if mart.declaration.as_of %}
{% do dated.append({
    'campaign': mart.campaign, 'as_of': mart.declaration.as_of,
    'relation': mart.relation
}) %}
{% endfor %}

with newest as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

metrics as (
    select * from {{ ref('conversion_metrics') }}
    where split in ('test', 'forward')
),

judged_scores as (
    select * from {{ ref('judged_scores') }}
    where split in ('test', 'forward')
),

leaks as (
    select
        campaign,
        string_agg(distinct feature, ', ' order by feature)
            filter (where status = 'accepted') as accepted_leaks,
        count(distinct feature) filter (where status = 'warn')
            as leak_warning_count,
    from {{ ref('leakage_checks') }}
    group by campaign
),

source_kinds as (
    {% for source in listed_sources() %}
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
        try_cast(declaration ->> 'contact_cost' as double) as contact_cost,
        try_cast(declaration ->> 'conversion_value' as double)
            as conversion_value,
        declaration ->> 'source' as source,
        declaration ->> 'source_note' as source_note,
        declaration ->> 'as_of' as as_of,
        model_version,
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
        avg(contact_cost) as mean_contact_cost,
        avg(conversion_value) as mean_conversion_value,
        max(scored_at) as scored_at,
    from outcomes
    group by campaign
),

as_of_windows as (
    {% for mart in dated %}
    select
        '{{ mart.campaign }}' as campaign,
        min(cast({{ mart.as_of }} as date)) as first_as_of,
        max(cast({{ mart.as_of }} as date)) as last_as_of,
    from {{ mart.relation }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as date) as first_as_of,
        cast(null as date) as last_as_of,
    where false
    {% endfor %}
),

-- the later time says more than rows drawn at random
judged_splits as (
    select
        campaign,
        if(bool_or(split = 'forward'), 'forward', 'test') as judged_split,
    from judged_scores
    group by campaign
),

judged_contacts as (
    select
        judged_scores.campaign,
        count(*) as judged_count,
        count(*) filter (
            where judged_scores.predicted_probability >= policies.threshold
        ) as contact_count,
        sum(judged_scores.predicted_probability) filter (
            where judged_scores.predicted_probability >= policies.threshold
        ) as expected_conversions,
    from judged_scores
    inner join judged_splits
        on
            judged_scores.campaign = judged_splits.campaign
            and judged_scores.split = judged_splits.judged_split
    inner join policies on judged_scores.campaign = policies.campaign
    group by judged_scores.campaign
),

contacts as (
    select
        campaign,
        count(*) as score_contact_count,
        sum(predicted_probability) as score_expected_conversions,
    from {{ ref('conversion_scores') }}
    where predicted_conversion and split = 'score'
    group by campaign
),

quality as (
    select
        metrics.campaign,
        {% for bound in ['value', 'lower', 'upper'] %}
        max(metrics.{{ bound }}) filter (where metrics.metric = 'roc_auc')
            as roc_auc_{{ bound }},
        {% endfor %}
        max(metrics.value) filter (where metrics.metric = 'top_decile_lift')
            as top_decile_lift,
    from metrics
    inner join judged_splits
        on
            metrics.campaign = judged_splits.campaign
            and metrics.split = judged_splits.judged_split
    group by metrics.campaign
),

-- what the best single rule reaches, beside the model on the same rows
rivals as (
    select
        baselines.campaign,
        baselines.feature,
        baselines.gain_lower > 0 as is_beaten,
    from {{ ref('conversion_baselines') }} as baselines
    inner join judged_splits
        on
            baselines.campaign = judged_splits.campaign
            and baselines.split = judged_splits.judged_split
    where baselines.baseline = 'one_rule' and baselines.metric = 'roc_auc'
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
        -- where a column gives it, its mean
        coalesce(declared.contact_cost, counted.mean_contact_cost)
            as contact_cost,
        coalesce(declared.conversion_value, counted.mean_conversion_value)
            as conversion_value,
        '{{ currency }}' as currency,
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
        as_of_windows.first_as_of,
        as_of_windows.last_as_of,
        coalesce(champions.model_version, declared.model_version)
            as model_version,
        champions.algorithm,
        policies.threshold,
        policies.threshold_policy,
        policies.is_promise_kept,
        policies.promise_note,
        coalesce(judged_splits.judged_split, 'test') as judged_split,
        coalesce(judged_contacts.judged_count, 0) as judged_count,
        coalesce(judged_contacts.contact_count, 0) as contact_count,
        coalesce(judged_contacts.expected_conversions, 0)
            as expected_conversions,
        coalesce(contacts.score_contact_count, 0) as score_contact_count,
        coalesce(contacts.score_expected_conversions, 0)
            as score_expected_conversions,
        case
            when champions.model_version is null then declared.refused_reason
        end as refused_reason,
        case
            when champions.model_version is not null
                then declared.refused_reason
        end as refused_training,
        leaks.accepted_leaks,
        coalesce(leaks.leak_warning_count, 0) as leak_warning_count,
        case
            when champions.model_version is null then 'refused'
            when quality.roc_auc_value is null then 'unknown'
            when not rivals.is_beaten then 'weak'
            when quality.roc_auc_value >= 0.8 then 'strong'
            when quality.roc_auc_value >= 0.7 then 'good'
            when quality.roc_auc_value >= 0.6 then 'fair'
            else 'weak'
        end as quality_grade,
        case
            when champions.model_version is null
                then
                    coalesce(
                        declared.refused_reason, 'No model is in service.'
                    )
            when quality.roc_auc_value is null
                then 'No test row with a known outcome: nothing to judge by.'
            else
                format(
                    'Of 100 pairs of a converter and another one it ranks '
                    || '{:.0f} rightly ({:.0f} to {:.0f}; chance: 50). The '
                    || 'best-scored tenth converts {:.1f} times as often as '
                    || 'the average. {}Measured on {:,} rows {}.',
                    100 * quality.roc_auc_value,
                    100 * quality.roc_auc_lower,
                    100 * quality.roc_auc_upper,
                    quality.top_decile_lift,
                    if(
                        not rivals.is_beaten,
                        'Not surely better than choosing by '
                        || replace(rivals.feature, '_', ' ') || ' alone. ',
                        ''
                    ),
                    judged_contacts.judged_count,
                    case
                        when judged_splits.judged_split = 'forward'
                            then
                                'of a later time, each predicted from '
                                || 'earlier ones alone'
                        when declared.as_of is not null
                            then 'of a later time, which no model has seen'
                        else
                            'drawn at random, which no model has seen: a '
                            || 'later time may be harder'
                    end
                )
        end as quality_reason,
        counted.scored_at,
    from declared
    inner join counted using (campaign)
    left join source_kinds using (source)
    left join policies using (campaign)
    left join champions using (campaign)
    left join judged_splits using (campaign)
    left join judged_contacts using (campaign)
    left join contacts using (campaign)
    left join quality using (campaign)
    left join rivals using (campaign)
    left join leaks using (campaign)
    left join as_of_windows using (campaign)
)

select * from graded
