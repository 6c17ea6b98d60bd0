-- with fewer conversions a model that is clearly better than a rule (ROC AUC .73 against
-- .65) is found so in less than four cases of five
{% set least_conversions = 100 %}
-- bootstrap draws of more rows would take longer than all other results
{% set most_rows = 250000 %}

with judged_scores as (
    select * from {{ ref('judged_scores') }}
),

-- the later time says more than rows drawn at random
judged_splits as (
    select
        campaign,
        if(bool_or(split = 'forward'), 'forward', 'test') as judged_split,
    from judged_scores
    group by campaign
),

count_conversions as (
    select
        judged_splits.campaign,
        judged_splits.judged_split,
        count(*) filter (
            where judged_scores.split = judged_splits.judged_split
        ) as judged_count,
        count(*) filter (
            where
            judged_scores.split = judged_splits.judged_split
            and judged_scores.has_converted
        ) as judged_conversions,
        count(*) filter (where judged_scores.split = 'train') as train_count,
        count(*) filter (
            where judged_scores.split = 'train' and judged_scores.has_converted
        ) as train_conversions,
    from judged_splits
    inner join judged_scores using (campaign)
    group by judged_splits.campaign, judged_splits.judged_split
),

choose_split as (
    select
        campaign,
        judged_split,
        judged_count,
        judged_conversions,
        if(
            judged_conversions >= {{ least_conversions }}
            or judged_conversions >= train_conversions
            or train_count > {{ most_rows }},
            judged_split, 'train'
        ) as graded_split,
    from count_conversions
)

select * from choose_split
