{#
    Replicate 0 is the rows themselves; replicates 1, 2, ... weigh each customer by a
    Poisson draw (bootstrap). Their ranks are binned: an interval needs no exact rank,
    and sorting a few hundred bins beats sorting millions of rows.
#}
{% set metrics = [
    'roc_auc', 'average_precision', 'f1', 'precision', 'recall', 'log_loss', 'brier',
    'top_decile_lift', 'expected_calibration_error',
] %}
{% set finest = 500 %}

with scores as (
    {{ union_campaigns('scores') }}
),

decided as (
    select
        campaign,
        entity_id,
        predicted_conversion,
        decile,
    from {{ ref('conversion_scores') }}
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

judged as (
    select
        scores.campaign,
        scores.split,
        scores.customer_id,
        scores.entity_id,
        scores.predicted_probability,
        scores.baseline_probability,
        cast(scores.has_converted as integer) as outcome,
        decided.predicted_conversion,
        decided.decile,
    from scores
    inner join decided using (campaign, entity_id)
    where scores.has_converted is not null and scores.split in ('train', 'test')
),

-- the one-rule baseline decides by the threshold with the best F1 out of fold
baseline_counts as (
    select
        campaign,
        baseline_probability,
        sum(count(*)) over lower_ranks as contacted,
        sum(sum(outcome)) over lower_ranks as true_positives,
        sum(sum(outcome)) over (partition by campaign) as positives,
    from judged
    where split = 'train'
    group by campaign, baseline_probability
    window lower_ranks as (
        partition by campaign
        order by baseline_probability desc
    )
),

baseline_thresholds as (
    select
        campaign,
        arg_max(
            baseline_probability,
            2 * true_positives / cast(contacted + positives as double)
        ) as threshold,
    from baseline_counts
    group by campaign
),

predictions as (
    select
        campaign,
        split,
        customer_id,
        outcome,
        'model' as predictor,
        predicted_probability as probability,
        predicted_conversion as is_contacted,
        decile,
        row_number() over (
            partition by campaign, split
            order by predicted_probability, entity_id
        ) as position,
        dense_rank() over (
            partition by campaign, split
            order by predicted_probability
        ) as exact_rank,
        count(*) over (partition by campaign, split) as rows_in_split,
    from judged

    union all

    select
        judged.campaign,
        judged.split,
        judged.customer_id,
        judged.outcome,
        'one rule' as predictor,
        judged.baseline_probability as probability,
        judged.baseline_probability >= baseline_thresholds.threshold
            as is_contacted,
        ntile(10) over (
            partition by judged.campaign, judged.split
            order by judged.baseline_probability desc, judged.entity_id asc
        ) as decile,
        0 as position,
        dense_rank() over (
            partition by judged.campaign, judged.split
            order by judged.baseline_probability
        ) as exact_rank,
        1 as rows_in_split,
    from judged
    inner join baseline_thresholds using (campaign)
),

measurable as (
    select
        *,
        hash(customer_id) as customer_hash,
        position * {{ finest }} // greatest(rows_in_split, {{ finest }})
            as coarse_rank,
        (probability - outcome) * (probability - outcome) as squared_error,
        -- a probability of exactly 0 or 1 would make the log loss infinite
        -ln(greatest(
            case outcome when 1 then probability else 1 - probability end, 1e-15
        )) as log_error,
    from predictions
),

replicates as (
    select range as replicate
    from range(0, {{ var('bootstrap_replicates') + 1 }})
),

drawn as (
    select
        predictions.*,
        replicates.replicate,
        -- in [0, 1), by a hash of customer and replicate, so that a build repeats
        -- itself. (hash(a, b) mixes too weakly: replicates would resemble each other.)
        hash(xor(
            predictions.customer_hash, cast(replicates.replicate as ubigint)
        )) / 18446744073709551616.0 as draw,
    from measurable as predictions
    inner join replicates
        on predictions.predictor = 'model' or replicates.replicate = 0
),

weighted as (
    select
        *,
        case when replicate = 0 then exact_rank else coarse_rank end as rank,
        case
            when replicate = 0 then 1
            -- Poisson with mean 1 (cut at 6)
            {%- for probability in [
                0.36787944, 0.73575888, 0.91969860,
                0.98101184, 0.99634015, 0.99940582,
            ] %}
            when draw < {{ probability }} then {{ loop.index0 }}
            {%- endfor %}
            else 6
        end as weight,
    from drawn
),

grouped as (
    select
        campaign,
        split,
        predictor,
        replicate,
        rank,
        decile,
        is_contacted,
        sum(weight) as row_count,
        sum(weight * outcome) as converted,
        sum(weight * probability) as expected,
        sum(weight * log_error) as log_loss,
        sum(weight * squared_error) as brier,
    from weighted
    group by
        campaign, split, predictor, replicate, rank, decile, is_contacted
),

by_rank as (
    select
        campaign,
        split,
        predictor,
        replicate,
        rank,
        sum(row_count) as contacted,
        sum(converted) as converted,
    from grouped
    group by campaign, split, predictor, replicate, rank
),

cumulated as (
    select
        *,
        sum(contacted) over best_first as contacted_so_far,
        sum(converted) over best_first as converted_so_far,
        sum(contacted) over everything as all_contacted,
        sum(converted) over everything as all_converted,
    from by_rank
    window
        best_first as (
            partition by campaign, split, predictor, replicate
            order by rank desc
        ),
        everything as (partition by campaign, split, predictor, replicate)
),

ranking_measures as (
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
    from cumulated
    group by campaign, split, predictor, replicate
),

by_decile as (
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
    from grouped
    group by campaign, split, predictor, replicate, decile
),

summed as (
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
    from by_decile
    group by campaign, split, predictor, replicate
),

measured as (
    select
        summed.campaign,
        summed.split,
        summed.predictor,
        summed.replicate,
        ranking_measures.roc_auc,
        ranking_measures.average_precision,
        2 * coalesce(summed.true_positives, 0)
        / nullif(coalesce(summed.contacted, 0) + summed.converted, 0) as f1,
        summed.true_positives / nullif(summed.contacted, 0) as precision,
        coalesce(summed.true_positives, 0) / nullif(summed.converted, 0)
            as recall,
        summed.log_loss / summed.row_count as log_loss,
        summed.brier / summed.row_count as brier,
        summed.top_rate / nullif(summed.converted / summed.row_count, 0)
            as top_decile_lift,
        summed.gaps / summed.row_count as expected_calibration_error,
        summed.converted / summed.row_count as base_rate,
        summed.contacted / summed.row_count as contacted_share,
    from summed
    inner join ranking_measures using (campaign, split, predictor, replicate)
),

-- contacting as many at random, or giving everybody the base rate
at_random as (
    select
        campaign,
        split,
        0.5 as roc_auc,
        base_rate as average_precision,
        2 * base_rate * contacted_share / nullif(base_rate + contacted_share, 0)
            as f1,
        base_rate as precision,
        contacted_share as recall,
        -base_rate * ln(nullif(base_rate, 0))
        - (1 - base_rate) * ln(nullif(1 - base_rate, 0)) as log_loss,
        base_rate * (1 - base_rate) as brier,
        1.0 as top_decile_lift,
        0.0 as expected_calibration_error,
    from measured
    where predictor = 'model' and replicate = 0
),

listed as (
    select * from measured
    unpivot include nulls (
        value for metric in ({{ metrics | join(', ') }})
    )
),

listed_at_random as (
    select * from at_random
    unpivot include nulls (
        value for metric in ({{ metrics | join(', ') }})
    )
),

summarised as (
    select
        campaign,
        split,
        metric,
        max(value) filter (where predictor = 'model' and replicate = 0)
            as value,
        quantile_cont(value, 0.025) filter (where replicate > 0) as lower,
        quantile_cont(value, 0.975) filter (where replicate > 0) as upper,
        max(value) filter (where predictor = 'one rule') as baseline_value,
        -- resampling adds gaps of its own, so that no interval of it is honest
        metric != 'expected_calibration_error' as has_interval,
    from listed
    group by campaign, split, metric
),

labelled as (
    select
        summarised.campaign,
        champions.model_version,
        summarised.split,
        summarised.metric,
        summarised.value,
        case when summarised.has_interval then summarised.lower end as lower,
        case when summarised.has_interval then summarised.upper end as upper,
        summarised.baseline_value,
        listed_at_random.value as random_value,
        champions.baseline_rule,
    from summarised
    inner join listed_at_random using (campaign, split, metric)
    inner join champions using (campaign)
)

select * from labelled
