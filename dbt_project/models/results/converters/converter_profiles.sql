-- of a column's categories so many are told apart, the most frequent
{% set most_categories = 20 %}

with counts as (
    select * from {{ ref('conversion_counts') }}
    where (is_feature or is_audited) and converted is not null
),

rank_rows as (
    select
        campaign,
        column_name,
        category,
        row_count,
        converted,
        -- decimals: their sum does not depend on the order of rows
        cast(row_count * design_effect as decimal(38, 6)) as variance,
        sum(cast(row_count * design_effect as decimal(38, 6))) over whole
            as all_variance,
        sum(row_count) over whole as all_rows,
        sum(converted) over whole as all_converted,
        row_number() over (
            partition by campaign, column_name, category = '(unknown)'
            order by row_count desc, category asc
        ) as place,
    from counts
    window whole as (partition by campaign, column_name)
),

merge_rows as (
    select
        campaign,
        column_name as feature,
        case
            when
                row_count >= {{ var('smallest_cell') }}
                and place <= {{ most_categories }}
                then category
            else '(others)'
        end as category,
        cast(sum(row_count) as bigint) as row_count,
        cast(sum(converted) as bigint) as converter_count,
        cast(sum(variance) as double) as variance,
        cast(any_value(all_variance) as double) as all_variance,
        cast(any_value(all_rows) as bigint) as all_rows,
        cast(any_value(all_converted) as bigint) as all_converters,
    from rank_rows
    group by all
    having sum(row_count) >= {{ var('smallest_cell') }}
),

compare_groups as (
    select
        campaign,
        feature,
        category,
        converter_count,
        row_count - converter_count as rest_count,
        converter_count / nullif(cast(all_converters as double), 0)
            as share_of_converters,
        (row_count - converter_count)
        / nullif(cast(all_rows - all_converters as double), 0) as share_of_rest,
        exact_p_value(converter_count, row_count, all_converters, all_rows)
            as p_value_of_rows,
        -- of the difference between the category's rate and that of the rest
        (all_rows - row_count) / cast(all_rows as double)
        * variance / row_count
        + row_count / cast(all_rows as double) * (all_variance - variance)
        / nullif(all_rows - row_count, 0) as design_effect,
    from merge_rows
),

allow_for_customers as (
    select
        *,
        clustered_p_value(p_value_of_rows, coalesce(design_effect, 1))
            as p_value,
    from compare_groups
),

adjust_values as (
    {{ adjust_p_values(
        'allow_for_customers', ['campaign'], 'false discovery rate', 'q_value'
    ) }}
),

add_index as (
    select
        campaign,
        feature,
        category,
        converter_count,
        rest_count,
        share_of_converters,
        share_of_rest,
        100 * share_of_converters / nullif(share_of_rest, 0) as index_value,
        p_value,
        q_value,
    from adjust_values
)

select * from add_index
