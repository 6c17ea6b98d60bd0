-- Rows and conversions by category of each counted column
{% set marts = counted_marts().marts %}

with counted_columns as (
    select * from {{ ref('counted_columns') }}
),

named_numbers as (
    select * from {{ ref('named_numbers') }}
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

texts as not materialized (
    select
        columns_before + generate_subscripts(categories, 1) as position,
        unnest(categories) as category,
        has_converted,
    from text_lists
),

add_names as (
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

count_rows as (
    select
        counted_columns.campaign,
        counted_columns.column_name,
        coalesce(add_names.category, '(unknown)') as category,
        counted_columns.is_dimension,
        counted_columns.is_feature,
        counted_columns.is_audited,
        min(add_names.category_order) as category_order,
        cast(sum(add_names.row_count) as bigint) as row_count,
        cast(sum(if(
            counted_columns.has_outcome, add_names.converted, null
        )) as bigint) as converted,
    from add_names
    inner join counted_columns using (position)
    group by all
)

select * from count_rows
