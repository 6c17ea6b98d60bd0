with facts as (
    select * from {{ ref('campaign_facts') }}
),

quality as (
    select * from {{ ref('campaign_quality') }}
),

add_sentences as (
    select
        facts.campaign,
        case
            when facts.source_kind = 'own' then 'Your own file.'
            else facts.source_note
        end as source_note,
        case
            when
                not facts.has_champion
                and {{ needs_decision('facts.refused_reason') }}
                then 'undecided'
            when not facts.has_champion then 'refused'
            when quality.roc_auc_value is null then 'unknown'
            when not quality.is_rival_beaten then 'weak'
            when quality.roc_auc_value >= 0.8 then 'strong'
            when quality.roc_auc_value >= 0.7 then 'good'
            when quality.roc_auc_value >= 0.6 then 'fair'
            else 'weak'
        end as quality_grade,
        case
            when not facts.has_champion
                then
                    coalesce(
                        facts.refused_reason, 'No model is in service.'
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
                        not quality.is_rival_beaten,
                        format(
                            'Not surely better than choosing by {} alone: '
                            || 'the difference of ROC AUC is {:.2f} '
                            || '({:.2f} to {:.2f}). ',
                            replace(quality.rival_feature, '_', ' '),
                            quality.rival_gain,
                            quality.rival_gain_lower,
                            quality.rival_gain_upper
                        ),
                        ''
                    ),
                    quality.graded_count,
                    case
                        when quality.graded_split = 'train'
                            then
                                'out of fold, each predicted by a model that '
                                || 'has not seen its customer: with '
                                || quality.judged_conversions
                                || ' conversions, the '
                                || if(
                                    quality.judged_split = 'forward',
                                    'later', 'test'
                                )
                                || ' rows are too few to grade by. These '
                                || 'rows chose the model, which flatters it'
                        when quality.graded_split = 'forward'
                            then
                                'of a later time, each predicted from '
                                || 'earlier ones alone'
                        when facts.as_of is not null
                            then 'of a later time, which no model has seen'
                        else
                            'drawn at random, which no model has seen: a '
                            || 'later time may be harder'
                    end
                )
        end as quality_reason,
    from facts
    left join quality using (campaign)
)

select * from add_sentences
