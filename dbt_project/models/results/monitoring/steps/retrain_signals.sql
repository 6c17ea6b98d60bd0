-- so many times the rows that were learnt from are worth a training
{% set many_more_rows = '1.2e0' %}

with models as (
    select * from {{ ref('conversion_models') }}
),

newest as (
    select * from models
    where is_newest
),

champions as (
    select * from models
    where is_champion
),

drift as (
    select * from {{ ref('newest_drift') }}
),

judged_outcomes as (
    select * from {{ ref('judged_outcomes') }}
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

-- rows that training may learn from, those that a sample left out included
labelled_rows as (
    select
        outcomes.campaign,
        count(outcomes.has_converted) as ready,
        any_value(
            champions.training_positives
            + (champions.training_rows - champions.training_positives)
            / champions.kept_share_of_negatives
        ) as learnt,
        ready >= {{ many_more_rows }} * learnt as are_many_more,
    from outcomes
    inner join champions using (campaign)
    where outcomes.split = 'train'
    group by outcomes.campaign
),

add_advice as (
    select
        newest.campaign,
        champions.model_version,
        date_diff(
            'day',
            cast(champions.trained_at as date),
            cast({{ selection_time() }} as date)
        ) as model_age_days,
        newest.refused_reason,
        drift.* exclude (campaign),
        judged_outcomes.* exclude (campaign),
        labelled_rows.* exclude (campaign),
        case
            when champions.model_version is null then 'refused'
            when
                drift.score_status = 'drifted'
                or judged_outcomes.is_far_off
                or labelled_rows.are_many_more
                then 'retrain'
            when
                drift.score_status = 'drifting'
                or drift.label_status in ('drifting', 'drifted')
                or drift.most_drifted is not null
                or judged_outcomes.is_off
                then 'watch'
            else 'keep'
        end as advice,
    from newest
    left join champions using (campaign)
    left join drift using (campaign)
    left join judged_outcomes using (campaign)
    left join labelled_rows using (campaign)
)

select * from add_advice
