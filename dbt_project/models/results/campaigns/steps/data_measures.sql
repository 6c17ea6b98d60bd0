-- Rows, conversions, missing values and dates of each campaign's mart
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

measure_rows as (
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
    {% endfor %}
    {% if not marts %}
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
    {% endif %}
),

add_dates as (
    select
        measure_rows.*,
        date_diff(
            'day',
            coalesce(source_starts.first_date, measure_rows.first_as_of),
            measure_rows.last_as_of
        ) as history_days,
        date_diff(
            'day',
            measure_rows.last_as_of,
            cast({{ selection_time() }} as date)
        ) as freshness_days,
    from measure_rows
    left join source_starts using (source)
)

select * from add_dates
