{% set required = {
    'rows': 1000,
    'share_missing': 0.3,
    'history_days': 90,
    'freshness_days': 90,
    'score_rows': 1,
} %}
-- per campaign: its declaration and its mart's features
{% set marts = [] %}
{% for mart in all_marts() if mart.numbers or mart.texts %}
{% set features = [] %}
{% for column in mart.columns if column.is_feature %}
{% do features.append('"' ~ column.column_name ~ '"') %}
{% endfor %}
{% do marts.append({
    'campaign': mart.campaign, 'mart': mart.relation, 'meta': mart.declaration, 'features': features
}) %}
{% endfor %}

with source_starts as (
    select
        source,
        cast(min(purchased_at) as date) as first_date,
    from {{ ref('transactions') }}
    group by source
),

measured as (
    {% for mart in marts %}
    {% set label = mart.meta.label %}
    {% set as_of = mart.meta.as_of %}
    select
        '{{ mart.campaign }}' as campaign,
        '{{ mart.meta.source }}' as source,
        count(*) as row_count,
        {% if label %}
        count(*) filter (where {{ label }} and split = 'train') as positives,
        count(*) filter (where {{ label }} is null) as score_rows,
        {% else %}
        cast(null as bigint) as positives,
        cast(null as bigint) as score_rows,
        {% endif %}
        {{ mart.meta.minimum_positives or 100 }} as minimum_positives,
        1 - (
            {% for feature in mart.features %}
            {{ '+ ' if not loop.first }}count({{ feature }})
            {% endfor %}
        ) / nullif(cast(count(*) as double) * {{ mart.features | length }}, 0)
            as share_missing,
        {% for bound, date in [('min', 'first'), ('max', 'last')] %}
        cast({{ bound ~ '(' ~ as_of ~ ')' if as_of else 'null' }} as date)
            as {{ date }}_as_of,
        {% endfor %}
    from {{ mart.mart }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as varchar) as source,
        cast(null as bigint) as row_count,
        cast(null as bigint) as positives,
        cast(null as bigint) as score_rows,
        cast(null as bigint) as minimum_positives,
        cast(null as double) as share_missing,
        cast(null as date) as first_as_of,
        cast(null as date) as last_as_of,
    where false
    {% endfor %}
),

dated as (
    select
        measured.*,
        date_diff(
            'day',
            coalesce(source_starts.first_date, measured.first_as_of),
            measured.last_as_of
        ) as history_days,
        date_diff(
            'day',
            measured.last_as_of,
            cast('{{ run_started_at.strftime("%Y-%m-%d") }}' as date)
        ) as freshness_days,
    from measured
    left join source_starts using (source)
),

checked as (
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
    from dated

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
    from dated
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
    from dated
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
    from dated
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
    from dated

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
    from dated
)

select * from checked
