-- Rows and conversions by category of each counted number and sampled customer
{% set marts = counted_marts().marts %}

with ranges as (
    select * from {{ ref('number_ranges') }}
),

number_lists as not materialized (
    {% for mart in marts if mart.numbers %}
    select
        {{ mart.label }} as has_converted,
        {{ sampled_customer(mart) }} as customer_id,
        {{ mart.numbers_before }} as columns_before,
        {{ number_list(mart.numbers) }} as values,
    from {{ mart.relation }}
    where {{ mart.known }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% if not marts | selectattr('numbers') | list %}
    select
        cast(null as boolean) as has_converted,
        cast(null as ubigint) as customer_id,
        0 as columns_before,
        cast([] as double[]) as values,
    where false
    {% endif %}
),

-- one row per customer and number, too many to store; position is the column's
numbers as not materialized (
    select
        columns_before + generate_subscripts(values, 1) as position,
        unnest(values) as value,
        customer_id,
        has_converted,
    from number_lists
),

-- the bin is the value itself, or how many edges it reaches, or -1 for a lowest value
-- with a category of its own
binned_numbers as (
    select
        numbers.position,
        numbers.customer_id,
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
    group by numbers.position, numbers.customer_id, bin
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
        binned_numbers.customer_id,
        binned_numbers.row_count,
        binned_numbers.converted,
    from binned_numbers
    left join ranges using (position)
)

select * from named_numbers
