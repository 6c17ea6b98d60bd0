with replicate_counts as (
    select * from {{ ref('replicate_counts') }}
),

replicate_rankings as (
    select * from {{ ref('replicate_rankings') }}
),

sum_by_decile as (
    select
        campaign,
        split,
        predictor,
        replicate,
        decile,
        sum(row_count) as row_count,
        sum(converted) as converted,
        sum(expected) as expected,
        sum(converted) filter (where is_contacted) as true_positives,
        sum(row_count) filter (where is_contacted) as contacted,
        sum(log_loss) as log_loss,
        sum(brier) as brier,
    from replicate_counts
    group by campaign, split, predictor, replicate, decile
),

sums as (
    select
        campaign,
        split,
        predictor,
        replicate,
        cast(sum(row_count) as double) as row_count,
        cast(sum(converted) as double) as converted,
        cast(sum(true_positives) as double) as true_positives,
        cast(sum(contacted) as double) as contacted,
        sum(log_loss) as log_loss,
        sum(brier) as brier,
        cast(sum(converted) filter (where decile = 1) as double)
        / nullif(sum(row_count) filter (where decile = 1), 0) as top_rate,
        sum(abs(expected - converted)) as gaps,
    from sum_by_decile
    group by campaign, split, predictor, replicate
),

add_measures as (
    select
        sums.campaign,
        sums.split,
        sums.predictor,
        sums.replicate,
        replicate_rankings.roc_auc,
        replicate_rankings.average_precision,
        2 * coalesce(sums.true_positives, 0)
        / nullif(coalesce(sums.contacted, 0) + sums.converted, 0) as f1,
        sums.true_positives / nullif(sums.contacted, 0) as precision,
        coalesce(sums.true_positives, 0) / nullif(sums.converted, 0)
            as recall,
        sums.log_loss / sums.row_count as log_loss,
        sums.brier / sums.row_count as brier,
        sums.top_rate / nullif(sums.converted / sums.row_count, 0)
            as top_decile_lift,
        sums.gaps / sums.row_count as expected_calibration_error,
        sums.converted / sums.row_count as base_rate,
        sums.contacted / sums.row_count as contacted_share,
    from sums
    inner join replicate_rankings using (campaign, split, predictor, replicate)
)

select * from add_measures
