{#
    Replicate 0 is the rows themselves; replicates 1, 2, ... weigh each customer by a
    Poisson draw (bootstrap). Their ranks are binned: an interval needs no exact rank,
    and sorting a few hundred bins beats sorting millions of rows.
#}
{% set finest = 500 %}

with judged as (
    select
        *,
        cast(has_converted as integer) as outcome,
    from {{ ref('judged_scores') }}
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

listed as (
    select
        campaign,
        split,
        customer_id,
        entity_id,
        outcome,
        unnest([
            {
                'predictor': 'model',
                'probability': predicted_probability
            },
            {
                'predictor': 'one_rule',
                'probability': baseline_probability
            },
            {
                'predictor': 'declared',
                'probability': declared_baseline_probability
            },
        ], recursive := true),
    from judged
),

predicted as (
    select * from listed
    where probability is not null
),

-- a baseline decides by the threshold with the best F1 out of fold
counted as (
    select
        campaign,
        predictor,
        probability,
        sum(count(*)) over from_the_top as contacted,
        sum(sum(outcome)) over from_the_top as true_positives,
        sum(sum(outcome)) over (partition by campaign, predictor) as positives,
    from predicted
    where split = 'train' and predictor != 'model'
    group by campaign, predictor, probability
    window from_the_top as (
        partition by campaign, predictor
        order by probability desc
    )
),

thresholds as (
    select
        campaign,
        predictor,
        arg_max(
            probability,
            2 * true_positives / cast(contacted + positives as double)
        ) as threshold,
    from counted
    group by campaign, predictor

    union all

    select
        campaign,
        'model' as predictor,
        threshold,
    from policies
),

predictions as (
    select
        predicted.campaign,
        predicted.split,
        predicted.customer_id,
        predicted.outcome,
        predicted.predictor,
        predicted.probability,
        predicted.probability >= thresholds.threshold as is_contacted,
        ntile(10) over (
            partition by
                predicted.campaign, predicted.split, predicted.predictor
            order by predicted.probability desc, predicted.entity_id asc
        ) as decile,
        -- ties share a place, so that a build repeats itself
        rank() over best_last as position,
        dense_rank() over best_last as exact_rank,
        count(*) over everybody as rows_in_split,
    from predicted
    inner join thresholds using (campaign, predictor)
    window
        everybody as (
            partition by
                predicted.campaign, predicted.split, predicted.predictor
        ),
        best_last as (
            partition by
                predicted.campaign, predicted.split, predicted.predictor
            order by predicted.probability
        )
),

measurable as (
    select
        *,
        hash(customer_id) as customer_hash,
        if(
            max(exact_rank) over (partition by campaign, split, predictor)
            <= {{ finest }},
            exact_rank,
            position * {{ finest }} // rows_in_split
        ) as coarse_rank,
        -- large splits need fewer; what models are chosen by is no promise
        if(
            split = 'train',
            0,
            least(
                {{ var('bootstrap_replicates') }},
                greatest(50, 5000000 // rows_in_split)
            )
        ) as replicate_count,
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
        {{ hash_share(
            'xor(predictions.customer_hash, cast(replicates.replicate as ubigint))'
        ) }} as draw,
    from measurable as predictions
    inner join replicates
        on predictions.replicate_count >= replicates.replicate
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
)

select * from measured
