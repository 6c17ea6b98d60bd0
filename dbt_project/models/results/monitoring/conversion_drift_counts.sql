-- features are compared on about so many training and so many other rows of a campaign,
-- chosen by a hash of the key: an index as low as the limits shows in far fewer
{% set sampled_rows = {'training': 20000, 'other': 50000} %}
-- numbers with at most so many values are binned by value, the others by deciles
{% set few_values = 10 %}
-- categories with a smaller share of the training rows are put together
{% set rare_share = '0.01e0' %}
-- marts of so many days or fewer are compared by week, the others by month
{% set days_of_weeks = 92 %}
-- per campaign: the columns of its mart that are compared, its score and its label
{% set marts = [] %}
{% set columns = [] %}
{% for campaign in listed_campaigns('scores') %}
{% do ref(campaign ~ '_scores') %}
{% endfor %}
{% for mart in all_marts('scores') %}
{% set meta = mart.declaration %}
{% set numbers = mart.numbers %}
{% set texts = mart.texts %}
{% do marts.append({
    'campaign': mart.campaign, 'relation': mart.relation,
    'scores': ref(mart.campaign ~ '_scores'), 'entity': meta.entity,
    'as_of': meta.as_of,
    'time': 'mart.' ~ meta.as_of if meta.as_of else 'scores.scored_at',
    'numbers': numbers, 'numbers_before': columns | length,
    'texts': texts, 'texts_before': columns | length + numbers | length + 2,
}) %}
{% set names = ['predicted_probability', 'conversion_rate']
    + numbers | map(attribute='column_name') | list
    + texts | map(attribute='column_name') | list %}
{% for name in names %}
{% do columns.append({
    'campaign': mart.campaign, 'feature': name,
    'feature_kind': {'predicted_probability': 'score', 'conversion_rate': 'label'}
        .get(name, 'feature'),
    'is_accepted': name in (meta.accept_drift or []),
}) %}
{% endfor %}
{% endfor %}

-- one literal, because hundreds of selects take a linter and a parser long
with column_list as (
    select
        from_json(
            '{{ tojson(columns) }}',
            '[{
                "campaign": "varchar", "feature": "varchar",
                "feature_kind": "varchar", "is_accepted": "boolean"
            }]'
        ) as columns,
),

listed_columns as (
    select
        generate_subscripts(columns, 1) as position,
        unnest(columns, recursive := true),
    from column_list
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

-- what no champion reads is of no interest
compared_columns as (
    select listed_columns.*
    from listed_columns
    left join champions using (campaign)
    where
        listed_columns.feature_kind != 'feature'
        or champions.features is null
        or list_contains(champions.features, listed_columns.feature)
),

-- how long a window is, of how many rows one is taken, and how the model moves the
-- odds of rows without an outcome to another base rate: that is no drift of theirs
settings as (
    {% for mart in marts %}
    select
        '{{ mart.campaign }}' as campaign,
        {% if mart.as_of %}
        (
            select
                if(
                    max(cast({{ mart.as_of }} as date))
                    - min(cast({{ mart.as_of }} as date))
                    <= {{ days_of_weeks }},
                    'week',
                    'month'
                )
            from {{ mart.relation }}
        ) as unit,
        {% else %}
        'day' as unit,
        {% endif %}
        cast(
            count(*) filter (where split = 'train')
            // {{ sampled_rows.training }} + 1 as ubigint
        ) as training_step,
        cast(
            count(*) filter (where split != 'train')
            // {{ sampled_rows.other }} + 1 as ubigint
        ) as other_step,
        coalesce(bool_or(has_converted is null), false) as has_new_rows,
    from {{ mart.scores }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as varchar) as unit,
        cast(null as ubigint) as training_step,
        cast(null as ubigint) as other_step,
        cast(null as boolean) as has_new_rows,
    where false
    {% endfor %}
),

prepared as (
    select
        settings.*,
        exp(coalesce(cast(champions.model_body ->> 'shift' as double), 0))
            as moved_odds,
    from settings
    left join champions using (campaign)
),

-- a row that was trained on is a reference (no window), any other has a window: of time
-- where the mart has one. Else the test is a random sample of the known rows: with them a
-- reference for new rows, for their score the only one that is made as theirs is; without
-- new rows it is the newest there is, and its own score has nothing to be compared with
mart_rows as not materialized (
    {% for mart in marts %}
    {% set is_reference = "scores.split = 'train'" if mart.as_of
        else "(scores.split = 'train' or prepared.has_new_rows)" %}
    select
        case
            when scores.has_converted is null or not {{ is_reference }}
                then cast(date_trunc(
                    prepared.unit,
                    {{ mart.time }}
                ) as date)
        end as window_start,
        hash(scores.entity_id) % if(
            scores.split = 'train',
            prepared.training_step,
            prepared.other_step
        ) = 0 as is_sampled,
        [
            case
                when scores.has_converted is null
                    then scores.predicted_probability / (
                        scores.predicted_probability
                        + prepared.moved_odds
                        * (1 - scores.predicted_probability)
                    )
                {% if not mart.as_of %}
                when scores.split = 'train' or not prepared.has_new_rows
                    then null
                {% endif %}
                else scores.predicted_probability
            end,
            cast(cast(scores.has_converted as integer) as double),
        ] as outcomes,
        {{ mart.numbers_before }} as numbers_before,
        if(
            is_sampled,
            list_concat(outcomes, {{ number_list(mart.numbers, 'mart.') }}),
            outcomes
        ) as numbers,
        {{ mart.texts_before }} as texts_before,
        cast(if(
            is_sampled, {{ text_list(mart.texts, 'mart.') }}, []
        ) as varchar[]) as texts,
    from {{ mart.scores }} as scores
    inner join {{ mart.relation }} as mart
        on scores.entity_id = cast(mart.{{ mart.entity }} as varchar)
    inner join prepared on prepared.campaign = '{{ mart.campaign }}'
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as date) as window_start,
        cast(null as boolean) as is_sampled,
        cast([] as double[]) as outcomes,
        0 as numbers_before,
        cast([] as double[]) as numbers,
        0 as texts_before,
        cast([] as varchar[]) as texts,
    where false
    {% endfor %}
),

-- a row per row and number, too many to be stored: position says which column it is
unnested_numbers as not materialized (
    select
        window_start,
        numbers_before + generate_subscripts(numbers, 1) as position,
        unnest(numbers) as value,
    from mart_rows
),

unnested_texts as not materialized (
    select
        window_start,
        texts_before + generate_subscripts(texts, 1) as position,
        unnest(texts) as category,
    from mart_rows
),

numbers as not materialized (
    select unnested_numbers.*
    from unnested_numbers
    inner join compared_columns using (position)
    -- a score or an outcome that is missing is not known yet
    where
        compared_columns.feature_kind = 'feature'
        or unnested_numbers.value is not null
),

sampled_values as (
    select
        position,
        value,
        count(*) as row_count,
    from numbers
    where window_start is null and isfinite(value)
    group by position, value
),

cumulated as (
    select
        *,
        count(*) over whole as value_count,
        row_number() over upwards as value_number,
        (sum(row_count) over upwards - row_count)
        / cast(sum(row_count) over whole as double) as share_below,
    from sampled_values
    window
        whole as (partition by position),
        upwards as (partition by position order by value)
),

-- a value of many rows has its bin for itself and what lies below it in its tenth
lowest_values as (
    select
        position,
        min(value) as edge,
    from cumulated
    group by
        position,
        if(
            value_count <= {{ few_values }},
            value_number,
            cast(floor(10 * share_below) as bigint)
        )
),

edge_lists as (
    select
        position,
        list(edge order by edge) as edges,
    from lowest_values
    group by position
),

-- what is lower than the lowest belongs to the first bin
edges as (
    select
        {% for number in range(2, few_values + 1) %}
        coalesce(edges[{{ number }}], cast('infinity' as double))
            as edge_{{ number }},
        {% endfor %}
        position,
    from edge_lists
),

binned_numbers as (
    select
        numbers.position,
        numbers.window_start,
        case
            when isfinite(numbers.value)
                then cast(
                    0
                    {% for number in range(2, few_values + 1) %}
                    + cast(numbers.value >= edges.edge_{{ number }} as utinyint)
                    {% endfor %}
                    as varchar
                )
        end as bin,
        count(*) as row_count,
        sum(numbers.value) filter (where isfinite(numbers.value)) as total,
    from numbers
    left join edges using (position)
    group by numbers.position, numbers.window_start, bin
),

counted_texts as (
    select
        unnested_texts.position,
        unnested_texts.window_start,
        unnested_texts.category,
        count(*) as row_count,
    from unnested_texts
    semi join compared_columns
        on unnested_texts.position = compared_columns.position
    group by all
),

frequent as (
    select
        position,
        category,
    from counted_texts
    where window_start is null and category is not null
    qualify
        row_count
        >= {{ rare_share }} * sum(row_count) over (partition by position)
),

binned as (
    select
        position,
        window_start,
        coalesce(bin, '(unknown)') as bin,
        row_count,
        total,
    from binned_numbers

    union all

    select
        counted_texts.position,
        counted_texts.window_start,
        case
            when counted_texts.category is null then '(unknown)'
            when frequent.category is null then '(others)'
            else '= ' || counted_texts.category
        end as bin,
        sum(counted_texts.row_count) as row_count,
        null as total,
    from counted_texts
    left join frequent
        on
            counted_texts.position = frequent.position
            and counted_texts.category = frequent.category
    group by all
),

counted as (
    select
        compared_columns.campaign,
        compared_columns.feature,
        compared_columns.feature_kind,
        binned.window_start,
        cast(case settings.unit
            when 'week' then binned.window_start + interval 6 day
            when 'month' then last_day(binned.window_start)
            else binned.window_start
        end as date) as window_end,
        binned.bin,
        cast(binned.row_count as bigint) as row_count,
        binned.total,
        compared_columns.is_accepted,
    from binned
    inner join compared_columns using (position)
    inner join settings using (campaign)
)

select * from counted
