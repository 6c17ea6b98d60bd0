-- shares of a feature sum to one, apart from a last group too small to be shown
with totals as (
    select
        campaign,
        column_name as feature,
        sum(row_count) as row_count,
    from {{ ref('conversion_counts') }}
    where (is_feature or is_audited) and converted is not null
    group by campaign, column_name
),

shown as (
    select
        campaign,
        feature,
        sum(converter_count + rest_count) as row_count,
        sum(share_of_converters) as converters,
        sum(share_of_rest) as rest,
        bool_or(q_value < p_value) as is_bound_too_low,
    from {{ ref('converter_profiles') }}
    group by campaign, feature
)

select shown.* from totals
left join shown using (campaign, feature)
where
    shown.is_bound_too_low
    or totals.row_count - coalesce(shown.row_count, 0)
    not between 0 and {{ var('smallest_cell') }} - 1
    or (
        totals.row_count = shown.row_count
        and greatest(abs(shown.converters - 1), abs(shown.rest - 1)) > 1e-12
    )
