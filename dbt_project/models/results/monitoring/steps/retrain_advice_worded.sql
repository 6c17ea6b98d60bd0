with signals as (
    select * from {{ ref('retrain_signals') }}
),

add_sentences as (
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
            when is_score_accepted
                then
                    'Scores are spread otherwise than in training (index '
                    || {{ three_digits('round(score_psi, 2)') }}
                    || '), which is accepted.'
            when score_psi >= 0.1
                then
                    'Scores differ from training by no more than chance (index '
                    || {{ three_digits('round(score_psi, 2)') }} || ').'
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
                        'Of {:,} {} whose outcome is known by now, ',
                        cast(known_count as bigint),
                        coalesce(
                            'contacts since ' || contacted_since, 'forecasts'
                        )
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
    from signals
),

combine_sentences as (
    select
        *,
        if(
            advice = 'refused',
            concat_ws(' ', 'No model is in service.', refused_reason),
            concat_ws(
                ' ', on_score, on_features, on_rate, on_outcomes, on_training
            )
        ) as reason,
    from add_sentences
)

select * from combine_sentences
