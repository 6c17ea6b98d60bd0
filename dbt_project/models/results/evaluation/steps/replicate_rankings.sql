with replicate_counts as (
    select * from {{ ref('replicate_counts') }}
),

sum_by_rank as (
    select
        campaign,
        split,
        predictor,
        replicate,
        rank,
        sum(row_count) as contacted,
        sum(converted) as converted,
    from replicate_counts
    group by campaign, split, predictor, replicate, rank
),

add_sums_from_the_top as (
    select
        *,
        sum(contacted) over best_first as contacted_so_far,
        sum(converted) over best_first as converted_so_far,
        sum(contacted) over everything as all_contacted,
        sum(converted) over everything as all_converted,
    from sum_by_rank
    window
        best_first as (
            partition by campaign, split, predictor, replicate
            order by rank desc
        ),
        everything as (partition by campaign, split, predictor, replicate)
),

measure_ranking as (
    select
        campaign,
        split,
        predictor,
        replicate,
        -- pairs ranked rightly, ties counted half (Mann and Whitney 1947)
        sum(
            (contacted - converted)
            * (converted_so_far - converted / 2.0)
        ) / nullif(
            cast(any_value(all_converted) as double)
            * any_value(all_contacted - all_converted), 0
        ) as roc_auc,
        sum(
            converted * converted_so_far
            / nullif(cast(contacted_so_far as double), 0)
        ) / nullif(any_value(all_converted), 0) as average_precision,
    from add_sums_from_the_top
    group by campaign, split, predictor, replicate
)

select * from measure_ranking
