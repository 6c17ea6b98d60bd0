-- numbers with at most so many values are categories by value, the others ranges
{% set few_values = {'feature': 10, 'dimension': 30} %}
-- quartiles are those of about so many rows, chosen by a hash of the key
{% set sampled_rows = 20000 %}
-- per campaign: the columns of its mart that are counted; one without an outcome has no label
{% set marts = [] %}
{% set columns = [] %}
{% for mart in all_marts() %}
{% set meta = mart.declaration %}
{% set numbers = [] %}
{% set texts = [] %}
{% for column in mart.columns %}
{% do (texts if column.is_text else numbers).append(dict(
    column,
    campaign=mart.campaign,
    has_outcome=true if meta.label else false,
    few_values=few_values['dimension' if column.is_dimension else 'feature'],
)) %}
{% endfor %}
{% if numbers or texts %}
{% do marts.append({
    'relation': mart.relation, 'entity': meta.entity,
    'label': meta.label or 'cast(null as boolean)',
    'known': meta.label ~ ' is not null' if meta.label else 'true',
    'numbers': numbers, 'numbers_before': columns | length,
    'texts': texts, 'texts_before': columns | length + numbers | length,
}) %}
{% do columns.extend(numbers + texts) %}
{% endif %}
{% endfor %}

-- one literal, because hundreds of selects take a linter and a parser long
with column_list as (
    select
        from_json(
            '{{ tojson(columns) }}',
            '[{
                "campaign": "varchar", "column_name": "varchar",
                "is_dimension": "boolean", "is_feature": "boolean",
                "is_audited": "boolean",
                "has_outcome": "boolean",
                "few_values": "integer"
            }]'
        ) as columns,
),

counted_columns as (
    select
        generate_subscripts(columns, 1) as position,
        unnest(columns, recursive := true),
    from column_list
),

number_lists as not materialized (
    {% for mart in marts if mart.numbers %}
    select
        {{ mart.label }} as has_converted,
        hash({{ mart.entity }}) % cast((
            select count(*) // {{ sampled_rows }} + 1
            from {{ mart.relation }}
            where {{ mart.known }}
        ) as ubigint) = 0 as is_sampled,
        {{ mart.numbers_before }} as columns_before,
        {{ number_list(mart.numbers) }} as values,
    from {{ mart.relation }}
    where {{ mart.known }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as boolean) as has_converted,
        cast(null as boolean) as is_sampled,
        0 as columns_before,
        cast([] as double[]) as values,
    where false
    {% endfor %}
),

text_lists as not materialized (
    {% for mart in marts if mart.texts %}
    select
        {{ mart.label }} as has_converted,
        {{ mart.texts_before }} as columns_before,
        {{ text_list(mart.texts) }} as categories,
    from {{ mart.relation }}
    where {{ mart.known }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as boolean) as has_converted,
        0 as columns_before,
        cast([] as varchar[]) as categories,
    where false
    {% endfor %}
),

-- a row per row and number, too many to be stored: position says which column it is
sampled_numbers as not materialized (
    select
        columns_before + generate_subscripts(values, 1) as position,
        unnest(values) as value,
    from number_lists
    where is_sampled
),

numbers as not materialized (
    select
        columns_before + generate_subscripts(values, 1) as position,
        unnest(values) as value,
        has_converted,
    from number_lists
),

texts as not materialized (
    select
        columns_before + generate_subscripts(categories, 1) as position,
        unnest(categories) as category,
        has_converted,
    from text_lists
),

sampled_values as (
    select
        position,
        value,
        count(*) as row_count,
    from sampled_numbers
    where isfinite(value)
    group by position, value
),

cumulated as (
    select
        *,
        min(value) over whole as lowest,
        count(*) over whole as value_count,
        sum(row_count) over whole as all_rows,
        sum(row_count) over upwards as rows_so_far,
        first_value(row_count) over upwards as lowest_rows,
    from sampled_values
    window
        whole as (partition by position),
        upwards as (partition by position order by value)
),

-- a lowest value of a quarter of the rows (mostly 0) is a category of its own, and
-- the quartiles are those of the others
others_cumulated as (
    select
        *,
        lowest_rows >= 0.25 * all_rows as is_lowest_apart,
        if(is_lowest_apart, lowest_rows, 0) as rows_apart,
        (rows_so_far - rows_apart) / nullif(all_rows - rows_apart, 0) as share,
    from cumulated
),

quartiles as (
    select
        position,
        any_value(lowest) as lowest,
        any_value(value_count) as value_count,
        any_value(is_lowest_apart) as is_lowest_apart,
        list_sort(list_distinct([
            min(value) filter (where share >= 0.25),
            min(value) filter (where share >= 0.5),
            min(value) filter (where share >= 0.75),
        ])) as edges,
    from others_cumulated
    group by position
),

-- two digits of the smallest gap between quartiles (three of a single one) are enough
digits as (
    select
        *,
        coalesce(
            1 - floor(log10(list_min(list_transform(
                range(1, len(edges)), lambda i: edges[i + 1] - edges[i]
            )))),
            2 - floor(log10(nullif(abs(edges[1]), 0))),
            0
        ) as digits,
    from quartiles
),

rounded as (
    select
        * exclude (edges),
        list_sort(list_distinct(list_filter(
            list_transform(
                edges, lambda edge: round(edge, cast(digits as integer))
            ),
            lambda edge: edge > lowest
        ))) as edges,
    from digits
),

-- as people write numbers: whole ones without a fraction
worded as (
    select
        *,
        list_transform(
            list_concat([lowest], edges),
            lambda edge: regexp_replace(cast(edge as varchar), '[.]0$', '')
        ) as edge_texts,
    from rounded
),

ranges as (
    select
        worded.position,
        worded.value_count <= counted_columns.few_values as is_by_value,
        worded.is_lowest_apart,
        worded.lowest,
        {% for number in [1, 2, 3] %}
        coalesce(worded.edges[{{ number }}], cast('infinity' as double))
            as edge_{{ number }},
        {% endfor %}
        worded.edge_texts,
    from worded
    inner join counted_columns using (position)
),

-- bin: the value itself, else how many edges it reaches, -1 for a lowest value apart
binned_numbers as (
    select
        numbers.position,
        case
            when not isfinite(numbers.value) then null
            when ranges.is_by_value then numbers.value
            when ranges.is_lowest_apart and numbers.value = ranges.lowest
                then -1
            else
                cast(numbers.value >= ranges.edge_1 as integer)
                + cast(numbers.value >= ranges.edge_2 as integer)
                + cast(numbers.value >= ranges.edge_3 as integer)
        end as bin,
        count(*) as row_count,
        count(*) filter (where numbers.has_converted) as converted,
    from numbers
    left join ranges using (position)
    group by numbers.position, bin
),

named_numbers as (
    select
        binned_numbers.position,
        case
            when binned_numbers.bin is null then null
            when ranges.is_by_value
                then regexp_replace(
                    cast(binned_numbers.bin as varchar), '[.]0$', ''
                )
            when binned_numbers.bin = -1 then ranges.edge_texts[1]
            when len(ranges.edge_texts) = 1
                then
                    if(ranges.is_lowest_apart, 'over ', 'from ')
                    || ranges.edge_texts[1]
            when binned_numbers.bin = 0
                then concat(
                    if(
                        ranges.is_lowest_apart,
                        'over ' || ranges.edge_texts[1] || ', ', ''
                    ),
                    'under ', ranges.edge_texts[2]
                )
            when binned_numbers.bin = len(ranges.edge_texts) - 1
                then ranges.edge_texts[-1] || ' or more'
            else
                concat(
                    ranges.edge_texts[cast(binned_numbers.bin as integer) + 1],
                    ' to ',
                    ranges.edge_texts[cast(binned_numbers.bin as integer) + 2]
                )
        end as category,
        binned_numbers.bin as category_order,
        binned_numbers.row_count,
        binned_numbers.converted,
    from binned_numbers
    left join ranges using (position)
),

named as (
    select * from named_numbers

    union all

    select
        position,
        category,
        cast(null as double) as category_order,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
    from texts
    group by position, category
),

counted as (
    select
        counted_columns.campaign,
        counted_columns.column_name,
        coalesce(named.category, '(unknown)') as category,
        counted_columns.is_dimension,
        counted_columns.is_feature,
        counted_columns.is_audited,
        min(named.category_order) as category_order,
        cast(sum(named.row_count) as bigint) as row_count,
        cast(sum(if(
            counted_columns.has_outcome, named.converted, null
        )) as bigint) as converted,
    from named
    inner join counted_columns using (position)
    group by all
)

select * from counted
