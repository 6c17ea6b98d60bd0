with counts as (
    select * from {{ ref('feature_pair_counts') }}
),

marginals as (
    select
        *,
        sum(row_count) over (partition by campaign, feature, other_feature)
            as all_rows,
        sum(row_count) over (partition by campaign, feature, other_feature, bin)
            as bin_rows,
        sum(row_count)
            over (partition by campaign, feature, other_feature, other_bin)
            as other_bin_rows,
    from counts
),

-- mean square contingency: chi squared / rows
contingencies as (
    select
        campaign,
        feature,
        other_feature,
        any_value(all_rows) as row_count,
        cast({{ exact_sum(
            'row_count * row_count / cast(bin_rows * other_bin_rows as double)'
        ) }} as double) - 1 as contingency,
        count(distinct bin) as bins,
        count(distinct other_bin) as other_bins,
    from marginals
    group by campaign, feature, other_feature
),

measure_rows as (
    select
        campaign,
        feature,
        other_feature,
        cast(row_count as bigint) as row_count,
        {{ cramers_v('contingency', 'bins', 'other_bins', 'row_count') }}
            as association,
    from contingencies
),

both_ways as (
    select
        campaign,
        feature,
        other_feature,
        association,
        row_count,
    from measure_rows

    union all

    select
        campaign,
        other_feature as feature,
        feature as other_feature,
        association,
        row_count,
    from measure_rows
)

select * from both_ways
