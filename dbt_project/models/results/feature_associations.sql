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

-- Bergsma (2013): less what chance gives to tables of so many bins
corrected as (
    select
        campaign,
        feature,
        other_feature,
        row_count,
        greatest(
            0, contingency - (bins - 1) * (other_bins - 1) / (row_count - 1)
        ) as contingency,
        least(
            bins - (bins - 1) * (bins - 1) / (row_count - 1),
            other_bins - (other_bins - 1) * (other_bins - 1) / (row_count - 1)
        ) as bins,
    from contingencies
    where row_count > 1
),

measured as (
    select
        campaign,
        feature,
        other_feature,
        cast(row_count as bigint) as row_count,
        case
            when bins > 1
                then round(least(1, sqrt(contingency / (bins - 1))), 6)
        end as association,
    from corrected
),

both_ways as (
    select
        campaign,
        feature,
        other_feature,
        association,
        row_count,
    from measured

    union all

    select
        campaign,
        other_feature as feature,
        feature as other_feature,
        association,
        row_count,
    from measured
)

select * from both_ways
