with policies as (
    select * from {{ ref('conversion_policies') }}
),

metrics as (
    select * from {{ ref('conversion_metrics') }}
),

judged_scores as (
    select * from {{ ref('judged_scores') }}
),

splits as (
    select * from {{ ref('graded_splits') }}
),

judged_contacts as (
    select
        judged_scores.campaign,
        count(*) filter (
            where judged_scores.predicted_probability >= policies.threshold
        ) as contact_count,
        sum(judged_scores.predicted_probability) filter (
            where judged_scores.predicted_probability >= policies.threshold
        ) as expected_conversions,
    from judged_scores
    inner join splits
        on
            judged_scores.campaign = splits.campaign
            and judged_scores.split = splits.judged_split
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
    inner join splits
        on
            metrics.campaign = splits.campaign
            and metrics.split = splits.graded_split
    group by metrics.campaign
),

-- what the best single rule reaches, beside the model on the same rows
rivals as (
    select
        baselines.campaign,
        baselines.feature,
        baselines.gain,
        baselines.gain_lower,
        baselines.gain_upper,
        baselines.gain_lower > 0 as is_beaten,
    from {{ ref('conversion_baselines') }} as baselines
    inner join splits
        on
            baselines.campaign = splits.campaign
            and baselines.split = splits.graded_split
    where baselines.baseline = 'one_rule' and baselines.metric = 'roc_auc'
),

graded_rows as (
    select
        judged_scores.campaign,
        count(*) as graded_count,
    from judged_scores
    inner join splits
        on
            judged_scores.campaign = splits.campaign
            and judged_scores.split = splits.graded_split
    group by judged_scores.campaign
),

combine_quality as (
    select
        splits.campaign,
        splits.judged_split,
        splits.judged_count,
        splits.judged_conversions,
        splits.graded_split,
        graded_rows.graded_count,
        judged_contacts.contact_count,
        judged_contacts.expected_conversions,
        measures.* exclude (campaign),
        rivals.feature as rival_feature,
        rivals.gain as rival_gain,
        rivals.gain_lower as rival_gain_lower,
        rivals.gain_upper as rival_gain_upper,
        rivals.is_beaten as is_rival_beaten,
    from splits
    left join judged_contacts using (campaign)
    left join graded_rows using (campaign)
    left join measures using (campaign)
    left join rivals using (campaign)
)

select * from combine_quality
