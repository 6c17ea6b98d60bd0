-- What each check requires of the data
{% set required = {
    'rows': 1000,
    'share_missing': 0.3,
    'history_days': 90,
    'freshness_days': 90,
    'score_rows': 1,
} %}

with data_measures as (
    select * from {{ ref('data_measures') }}
),

check_rows as (
    select
        campaign,
        'rows' as check_name,
        cast(row_count as double) as measured,
        cast({{ required.rows }} as double) as required,
        case
            when row_count = 0 then 'fail'
            when row_count < {{ required.rows }} then 'warn'
            else 'pass'
        end as status,
        case
            when row_count = 0
                then
                    'The mart is empty: look into results.rejected_rows, '
                    || 'or add a file.'
            when row_count < {{ required.rows }}
                then 'Few rows: intervals will be wide. Add earlier campaigns.'
            else 'Enough rows.'
        end as advice,
    from data_measures

    union all

    select
        campaign,
        'positives' as check_name,
        positives as measured,
        minimum_positives as required,
        case
            when positives < minimum_positives then 'fail'
            when positives < 3 * minimum_positives then 'warn'
            else 'pass'
        end as status,
        case
            when positives < minimum_positives
                then
                    'Too few conversions to learn from: no model is made. '
                    || 'Wait for more, or count a more frequent goal.'
            when positives < 3 * minimum_positives
                then 'Just enough conversions: expect wide intervals.'
            else 'Enough conversions.'
        end as advice,
    from data_measures
    where positives is not null

    union all

    select
        campaign,
        'score_rows' as check_name,
        score_rows as measured,
        cast({{ required.score_rows }} as double) as required,
        if(score_rows > 0, 'pass', 'warn') as status,
        if(
            score_rows > 0,
            'There are rows with an unknown outcome to be scored.',
            'Nobody to score: every outcome is known. '
            || 'Add rows with an empty one.'
        ) as advice,
    from data_measures
    where score_rows is not null

    union all

    select
        campaign,
        'share_missing' as check_name,
        share_missing as measured,
        {{ required.share_missing }} as required,
        case
            when share_missing > 2 * {{ required.share_missing }} then 'fail'
            when share_missing > {{ required.share_missing }} then 'warn'
            else 'pass'
        end as status,
        if(
            share_missing > {{ required.share_missing }},
            'Many feature values are missing: see results.cleaning_report '
            || 'for what was set to missing.',
            'Few feature values are missing.'
        ) as advice,
    from data_measures
    where share_missing is not null

    union all

    select
        campaign,
        'history_days' as check_name,
        history_days as measured,
        {{ required.history_days }} as required,
        if(history_days >= {{ required.history_days }}, 'pass', 'warn')
            as status,
        case
            when history_days >= {{ required.history_days }}
                then 'Enough history.'
            when history_days is null
                then
                    'The rows carry no date: nothing says how the model does '
                    || 'at another time.'
            else 'Short history: long habits and seasons are not seen.'
        end as advice,
    from data_measures

    union all

    select
        campaign,
        'freshness_days' as check_name,
        freshness_days as measured,
        {{ required.freshness_days }} as required,
        if(freshness_days <= {{ required.freshness_days }}, 'pass', 'warn')
            as status,
        case
            when freshness_days <= {{ required.freshness_days }}
                then 'The data are fresh.'
            when freshness_days is null
                then 'The rows carry no date: nobody knows how old they are.'
            else
                'The data are old: customers may have changed. '
                || 'Add newer files.'
        end as advice,
    from data_measures
)

select * from check_rows
