with policies as (
    select * from {{ ref('conversion_policies') }}
),

metrics as (
    select * from {{ ref('conversion_metrics') }}
    where split in ('test', 'forward')
),

judged_scores as (
    select * from {{ ref('judged_scores') }}
    where split in ('test', 'forward')
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

measures as (
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

combine_quality as (
    select
        judged_splits.campaign,
        judged_splits.judged_split,
        judged_contacts.judged_count,
        judged_contacts.contact_count,
        judged_contacts.expected_conversions,
        measures.* exclude (campaign),
        rivals.feature as rival_feature,
        rivals.is_beaten as is_rival_beaten,
    from judged_splits
    left join judged_contacts using (campaign)
    left join measures using (campaign)
    left join rivals using (campaign)
)

select * from combine_quality
