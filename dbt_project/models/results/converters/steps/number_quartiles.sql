-- Quartiles of each counted number, from about this many rows of a campaign, sampled by
-- a hash of the key
{% set sampled_rows = 20000 %}
{% set marts = counted_marts().marts %}

with number_lists as not materialized (
    {% for mart in marts if mart.numbers %}
    select
        {{ is_sampled(mart, mart.entity, sampled_rows) }} as is_sampled,
        {{ mart.numbers_before }} as columns_before,
        {{ number_list(mart.numbers) }} as values,
    from {{ mart.relation }}
    where {{ mart.known }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% if not marts | selectattr('numbers') | list %}
    select
        cast(null as boolean) as is_sampled,
        0 as columns_before,
        cast([] as double[]) as values,
    where false
    {% endif %}
),

-- one row per sampled customer and number, too many to store; position is the column's
sampled_numbers as not materialized (
    select
        columns_before + generate_subscripts(values, 1) as position,
        unnest(values) as value,
    from number_lists
    where is_sampled
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

add_running_totals as (
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

-- if a quarter of the rows have the lowest value (mostly 0), it is a category of its
-- own, and the quartiles are those of the others
others_cumulated as (
    select
        *,
        lowest_rows >= 0.25 * all_rows as is_lowest_apart,
        if(is_lowest_apart, lowest_rows, 0) as rows_apart,
        (rows_so_far - rows_apart) / nullif(all_rows - rows_apart, 0) as share,
    from add_running_totals
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
)

select * from quartiles
