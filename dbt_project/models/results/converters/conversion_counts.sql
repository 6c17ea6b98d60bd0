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
