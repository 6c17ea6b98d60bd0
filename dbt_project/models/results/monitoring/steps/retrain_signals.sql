-- weeks with this share of known outcomes or more are compared; with fewer, those known
-- first may be the converters
{% set enough_known = '0.5e0' %}
-- so many conversions, expected or realised, are enough to judge by
{% set enough_conversions = 10 %}
-- so far off, realised conversions are more than one would live with
{% set far_off = '1.25e0' %}
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

performance as (
    select * from {{ ref('realised_performance') }}
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

track_record as (
    select
        *,
        row_number() over (
            partition by campaign order by week_start desc
        ) as weeks_back,
    from {{ ref('track_record') }}
    where known_count >= {{ enough_known }} * contact_count
),

-- the newest week, and the newest two together, whichever models chose the contacts
newest_weeks as (
    select
        track_record.campaign,
        spans.week_count,
        min(track_record.week_start) as contacted_since,
        sum(track_record.known_count) as known_count,
        sum(track_record.expected_conversions) as expected,
        sum(track_record.realised_conversions) as realised,
        bool_and(track_record.is_within is not null) as is_complete,
    from track_record
    inner join (values (1), (2)) as spans (week_count)
        on track_record.weeks_back <= spans.week_count
    group by track_record.campaign, spans.week_count
),

-- where no audience has an outcome: all forecasts of the model in service
forecasts as (
    select
        performance.campaign,
        sum(performance.known_count) as known_count,
        sum(performance.expected_conversions) as expected,
        sum(performance.realised_conversions) as realised,
    from performance
    inner join champions using (campaign, model_version)
    anti join newest_weeks using (campaign)
    group by performance.campaign
),

totals as (
    select * from newest_weeks

    union all

    select
        campaign,
        null as week_count,
        null as contacted_since,
        known_count,
        expected,
        realised,
        true as is_complete,
    from forecasts
),

ratios as (
    select
        *,
        {% for side in ['lower', 'upper'] %}
        {{ poisson_bound('realised', side) }} / nullif(expected, 0)
            as ratio_{{ side }},
        {% endfor %}
        realised / nullif(expected, 0) as ratio,
    from totals
),

judged_outcomes as (
    select
        * exclude (week_count, is_complete),
        greatest(realised, expected) >= {{ enough_conversions }}
        and (ratio_lower > 1 or ratio_upper < 1) as is_off,
        is_off
        and is_complete
        and (ratio >= {{ far_off }} or ratio <= 1 / {{ far_off }})
            as is_far_off,
    from ratios
    -- two weeks say more than one, unless something changed between them
    qualify row_number() over (
        partition by campaign
        order by is_far_off desc, is_off desc, week_count desc
    ) = 1
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
