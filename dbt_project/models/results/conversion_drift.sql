-- limits of the population stability index in common use (Siddiqi 2006)
{% set limits = {'drifting': '0.1e0', 'drifted': '0.25e0'} %}
-- in fewer rows a bin of a tenth would expect fewer than ten
{% set enough_rows = 100 %}
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
{% set accepted = [] %}
{% for mart in built_here(var('marts')) %}{% do ref(mart ~ '_features') %}{% endfor %}
{% for campaign in built_here(var('campaigns')) %}
{% set scores = ref(campaign ~ '_scores') %}
{% if execute %}
{% set meta = graph.nodes['model.leadlight.' ~ campaign ~ '_scores'].config.meta %}
{% set mart = ref((meta.variant_of or campaign) ~ '_features') %}
{% set present = mart_columns(mart, meta) | selectattr('is_feature') | list %}
{% set numbers = present | rejectattr('is_text') | list %}
{% set texts = present | selectattr('is_text') | list %}
{% do marts.append({
    'campaign': campaign, 'relation': mart, 'scores': scores, 'entity': meta.entity,
    'as_of': meta.as_of,
    'numbers': numbers, 'numbers_before': columns | length,
    'texts': texts, 'texts_before': columns | length + numbers | length + 2,
}) %}
{% set names = ['predicted_probability', 'conversion_rate']
    + numbers | map(attribute='column_name') | list
    + texts | map(attribute='column_name') | list %}
{% for name in names %}
{% do columns.append({
    'campaign': campaign, 'feature': name,
    'feature_kind': {'predicted_probability': 'score', 'conversion_rate': 'label'}
        .get(name, 'feature'),
    'is_accepted': name in (meta.accept_drift or []),
}) %}
{% endfor %}
{% endif %}
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
                    date_diff('day', min({{ mart.as_of }}), max({{ mart.as_of }}))
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
-- where the mart has one, else that of the newest rows, without an outcome or else the test
mart_rows as not materialized (
    {% for mart in marts %}
    select
        case
            when scores.split != 'train' or scores.has_converted is null
                then cast(date_trunc(
                    prepared.unit,
                    {{ 'mart.' ~ mart.as_of if mart.as_of else 'scores.scored_at' }}
                ) as date)
        end as window_start,
        hash(scores.entity_id) % if(
            scores.split = 'train',
            prepared.training_step,
            prepared.other_step
        ) = 0 as is_sampled,
        [
            if(
                scores.has_converted is null,
                scores.predicted_probability / (
                    scores.predicted_probability
                    + prepared.moved_odds * (1 - scores.predicted_probability)
                ),
                scores.predicted_probability
            ),
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
    {% if not mart.as_of %}
    where
        scores.split = 'train'
        or scores.has_converted is null
        or not prepared.has_new_rows
    {% endif %}
    {{ 'union all' if not loop.last }}
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
        position,
        {% for number in range(2, few_values + 1) %}
        coalesce(edges[{{ number }}], cast('infinity' as double))
            as edge_{{ number }},
        {% endfor %}
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

totals as (
    select
        position,
        window_start,
        sum(row_count) as row_count,
        sum(total) / sum(row_count) filter (where bin != '(unknown)') as mean,
    from binned
    group by position, window_start
),

windows as (
    select
        windows.position,
        windows.window_start,
        windows.row_count,
        windows.mean as window_mean,
        reference.row_count as reference_count,
        reference.mean as reference_mean,
    from totals as windows
    inner join totals as reference using (position)
    where windows.window_start is not null and reference.window_start is null
),

-- every window with every bin that it or the reference has rows in; an empty bin counts
-- as half a row
compared as (
    select
        windows.position,
        windows.window_start,
        binned.bin,
        greatest(
            sum(binned.row_count) filter (where binned.window_start is not null),
            0.5
        ) / any_value(windows.row_count) as share,
        greatest(
            sum(binned.row_count) filter (where binned.window_start is null),
            0.5
        ) / any_value(windows.reference_count) as reference_share,
    from windows
    inner join binned
        on
            windows.position = binned.position
            and (
                binned.window_start is null
                or windows.window_start = binned.window_start
            )
    group by all
),

measured as (
    select
        position,
        window_start,
        count(*) as bin_count,
        sum((share - reference_share) * ln(share / reference_share))
            as population_stability_index,
    from compared
    group by position, window_start
),

limited as (
    select
        compared_columns.campaign,
        compared_columns.feature,
        compared_columns.feature_kind,
        windows.window_start,
        cast(case settings.unit
            when 'week' then windows.window_start + interval 6 day
            when 'month' then last_day(windows.window_start)
            else windows.window_start
        end as date) as window_end,
        compared_columns.is_accepted,
        windows.row_count,
        windows.reference_count,
        windows.window_mean,
        windows.reference_mean,
        least(windows.row_count, windows.reference_count) >= {{ enough_rows }}
            as has_enough_rows,
        if(has_enough_rows, measured.population_stability_index, null)
            as population_stability_index,
        -- 95 % of what chance alone gives lies below (Yurdakul 2018)
        coalesce(
            2 * gamma_quantile(0.95, nullif(measured.bin_count - 1, 0) / 2), 0
        ) * (1 / windows.row_count + 1 / windows.reference_count)
            as noise_limit,
    from windows
    inner join measured using (position, window_start)
    inner join compared_columns using (position)
    inner join settings using (campaign)
),

judged as (
    select
        campaign,
        feature,
        feature_kind,
        window_start,
        window_end,
        cast(row_count as bigint) as row_count,
        cast(reference_count as bigint) as reference_count,
        window_mean,
        reference_mean,
        population_stability_index,
        noise_limit,
        {{ limits.drifting }} as drifting_limit,
        {{ limits.drifted }} as drifted_limit,
        case
            when not has_enough_rows then 'too few rows'
            when population_stability_index <= noise_limit then 'stable'
            when population_stability_index >= drifted_limit then 'drifted'
            when population_stability_index >= drifting_limit then 'drifting'
            else 'stable'
        end as status,
        is_accepted,
    from limited
)

select * from judged
