with audited_rows as (
    select * from {{ ref('audited_rows') }}
),

-- each rate's rows, and what of them counts as a hit
list_measures as (
    select
        campaign,
        audited_column,
        group_value,
        customer_id,
        unnest([
            {
                'measure': 'selection',
                'is_row': true,
                'is_hit': predicted_conversion
            },
            {
                'measure': 'conversion',
                'is_row': true,
                'is_hit': has_converted
            },
            {
                'measure': 'true_positive',
                'is_row': has_converted,
                'is_hit': has_converted and predicted_conversion
            },
            {
                'measure': 'false_positive',
                'is_row': not has_converted,
                'is_hit': not has_converted and predicted_conversion
            },
        ], recursive := true),
    from audited_rows
),

customers as (
    select
        campaign,
        audited_column,
        group_value,
        measure,
        customer_id,
        count(*) filter (where is_row) as row_count,
        count(*) filter (where is_hit) as converted,
    from list_measures
    group by campaign, audited_column, group_value, measure, customer_id
),

rates as (
    {{ clustered_counts(
        'customers',
        ['campaign', 'audited_column', 'group_value', 'measure'],
        ['campaign', 'audited_column', 'measure']
    ) }}
),

add_bounds as (
    select
        *,
        converted / nullif(cast(row_count as double), 0) as rate,
        {{ wilson_bound('converted', 'row_count', -1, 'design_effect') }}
            as rate_lower,
        {{ wilson_bound('converted', 'row_count', 1, 'design_effect') }}
            as rate_upper,
    from rates
)

select * from add_bounds
