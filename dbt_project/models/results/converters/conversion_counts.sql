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
        {{ sampled_customer(mart) }} as customer_id,
        {{ mart.texts_before }} as columns_before,
        {{ text_list(mart.texts) }} as categories,
    from {{ mart.relation }}
    where {{ mart.known }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% if not marts | selectattr('texts') | list %}
    select
        cast(null as boolean) as has_converted,
        cast(null as ubigint) as customer_id,
        0 as columns_before,
        cast([] as varchar[]) as categories,
    where false
    {% endif %}
),

texts as not materialized (
    select
        columns_before + generate_subscripts(categories, 1) as position,
        unnest(categories) as category,
        customer_id,
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
        customer_id,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
    from texts
    group by position, category, customer_id
),

customers as (
    select
        position,
        coalesce(category, '(unknown)') as category,
        customer_id,
        min(category_order) as category_order,
        cast(sum(row_count) as bigint) as row_count,
        cast(sum(converted) as bigint) as converted,
    from add_names
    group by position, coalesce(category, '(unknown)'), customer_id
),

count_rows as (
    {{ clustered_counts(
        'customers', ['position', 'category'], ['position']
    ) }}
),

orders as (
    select
        position,
        category,
        min(category_order) as category_order,
    from customers
    group by position, category
),

add_columns as (
    select
        counted_columns.campaign,
        counted_columns.column_name,
        count_rows.category,
        counted_columns.is_dimension,
        counted_columns.is_feature,
        counted_columns.is_audited,
        orders.category_order,
        count_rows.row_count,
        if(counted_columns.has_outcome, count_rows.converted, null)
            as converted,
        count_rows.design_effect,
    from count_rows
    inner join orders using (position, category)
    inner join counted_columns using (position)
)

select * from add_columns
