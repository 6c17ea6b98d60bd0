-- Rows by window and bin of each compared number
--
-- numbers with at most this many values are binned by value, the others by deciles
{% set few_values = 10 %}

with compared_columns as (
    select * from {{ ref('drift_columns') }}
),

settings as (
    select * from {{ ref('drift_settings') }}
),

mart_rows as not materialized (
    {{ drift_rows(drift_marts().marts) }}
),

-- one row per customer and number, too many to store; position is the column's
unnested_numbers as not materialized (
    select
        window_start,
        numbers_before + generate_subscripts(numbers, 1) as position,
        unnest(numbers) as value,
    from mart_rows
),

numbers as not materialized (
    select unnested_numbers.*
    from unnested_numbers
    inner join compared_columns using (position)
    -- a missing score or outcome is not known yet
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

add_running_totals as (
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

-- a value of many rows shares its bin only with lower values of the same tenth
lowest_values as (
    select
        position,
        min(value) as edge,
    from add_running_totals
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

-- values below the lowest edge belong to the first bin
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
)

select * from binned_numbers
