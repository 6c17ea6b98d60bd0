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
    select * from {{ ref('conversion_drift') }}
),

performance as (
    select * from {{ ref('realised_performance') }}
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

-- the newest window with enough rows to judge the score by
newest_windows as (
    select
        campaign,
        max(window_start) as newest_window,
    from drift
    where feature_kind = 'score' and status != 'too few rows'
    group by campaign
),

drifted as (
    select
        drift.campaign,
        any_value(newest_windows.newest_window) as newest_window,
        count(*) filter (where drift.feature_kind = 'feature') as feature_count,
        count(*) filter (
            where drift.feature_kind = 'feature' and drift.status = 'drifted'
        ) as drifted_feature_count,
        count(*) filter (
            where drift.feature_kind = 'feature' and drift.status = 'drifting'
        ) as drifting_feature_count,
        arg_max(
            drift.feature,
            if(
                drift.feature_kind = 'feature'
                and drift.status in ('drifting', 'drifted')
                and not drift.is_accepted,
                drift.population_stability_index,
                null
            )
        ) as most_drifted,
        max(drift.population_stability_index) filter (
            where drift.feature_kind = 'score'
        ) as score_psi,
        max(if(drift.is_accepted, 'stable', drift.status)) filter (
            where drift.feature_kind = 'score'
        ) as score_status,
        max(if(drift.is_accepted, 'stable', drift.status)) filter (
            where drift.feature_kind = 'label'
        ) as label_status,
        max(drift.window_mean) filter (where drift.feature_kind = 'label')
            as rate,
        max(drift.reference_mean) filter (where drift.feature_kind = 'label')
            as training_rate,
    from drift
    inner join newest_windows
        on
            drift.campaign = newest_windows.campaign
            and drift.window_start = newest_windows.newest_window
    group by drift.campaign
),

-- all days of the model in service together
totals as (
    select
        performance.campaign,
        sum(performance.known_count) as known_count,
        sum(performance.expected_conversions) as expected,
        sum(performance.realised_conversions) as realised,
    from performance
    inner join champions using (campaign, model_version)
    group by performance.campaign
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

realised as (
    select
        *,
        greatest(realised, expected) >= {{ enough_conversions }}
        and (ratio_lower > 1 or ratio_upper < 1) as is_off,
        is_off
        and (ratio >= {{ far_off }} or ratio <= 1 / {{ far_off }})
            as is_far_off,
    from ratios
),

-- rows that training may learn from, those that a sample left out included
labelled as (
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

gathered as (
    select
        newest.campaign,
        champions.model_version,
        date_diff(
            'day',
            cast(champions.trained_at as date),
            cast({{ selection_time() }} as date)
        ) as model_age_days,
        newest.refused_reason,
        drifted.* exclude (campaign),
        realised.* exclude (campaign),
        labelled.* exclude (campaign),
        case
            when champions.model_version is null then 'refused'
            when
                drifted.score_status = 'drifted'
                or realised.is_far_off
                or labelled.are_many_more
                then 'retrain'
            when
                drifted.score_status = 'drifting'
                or drifted.label_status in ('drifting', 'drifted')
                or drifted.most_drifted is not null
                or realised.is_off
                then 'watch'
            else 'keep'
        end as advice,
    from newest
    left join champions using (campaign)
    left join drifted using (campaign)
    left join realised using (campaign)
    left join labelled using (campaign)
),

worded as (
    select
        *,
        case
            when score_psi is null
                then 'There are too few new rows to compare with training.'
            when score_status in ('drifting', 'drifted')
                then
                    'Scores are spread otherwise than in training (index '
                    || {{ three_digits('round(score_psi, 2)') }} || ', limit '
                    || if(score_status = 'drifted', '0.25', '0.1') || ').'
            when score_psi >= 0.1
                then
                    'Scores are spread otherwise than in training (index '
                    || {{ three_digits('round(score_psi, 2)') }}
                    || '), which is accepted.'
            else
                'Scores are spread as in training (index '
                || {{ three_digits('round(score_psi, 2)') }} || ').'
        end as on_score,
        case
            when most_drifted is not null
                then format(
                    '{} of {} features are spread otherwise, {} the most.',
                    drifted_feature_count + drifting_feature_count,
                    feature_count,
                    most_drifted
                )
        end as on_features,
        case
            when label_status in ('drifting', 'drifted')
                then
                    {{ three_digits('100 * rate') }} || ' % convert, '
                    || {{ three_digits('100 * training_rate') }}
                    || ' % did in training.'
        end as on_rate,
        case
            when known_count > 0
                then
                    format(
                        'Of {:,} forecasts whose outcome is known by now, ',
                        cast(known_count as bigint)
                    )
                    || format('{:,} converted, ', cast(realised as bigint))
                    || {{ three_digits('expected') }} || ' were expected: '
                    || {{ three_digits('ratio') }} || ' times as many ('
                    || {{ three_digits('ratio_lower') }} || ' to '
                    || {{ three_digits('ratio_upper') }}
                    || ' with 95 % confidence).'
            else 'No forecast has its outcome yet.'
        end as on_outcomes,
        case
            when are_many_more
                then format(
                    'The model learnt from {:,} rows, {:,} are ready: '
                    || 'train it anew.',
                    cast(learnt as bigint), ready
                )
            when advice = 'retrain' and coalesce(ready <= learnt, true)
                then
                    'A training now would learn nothing new: it takes outcomes '
                    || 'of newer rows in split train, and then the build '
                    || 'trains by itself.'
            when advice = 'retrain'
                then format(
                    'A training learns from {:,} newer rows.',
                    ready - cast(learnt as bigint)
                )
        end as on_training,
    from gathered
),

advised as (
    select
        campaign,
        advice,
        if(
            advice = 'refused',
            concat_ws(' ', 'No model is in service.', refused_reason),
            concat_ws(
                ' ', on_score, on_features, on_rate, on_outcomes, on_training
            )
        ) as reason,
        model_version,
        model_age_days,
        newest_window,
        drifted_feature_count,
        drifting_feature_count,
        score_psi,
        ratio as realised_to_expected,
        cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S") }}' as timestamp)
            as checked_at,
    from worded
)

select * from advised
