-- rows between two conversions share a bin of rank: exact, and far fewer to sort than rows;
-- from this many bins on, they widen in proportion to their distance from the top
{% set exact_bins = 500 %}

with predictors as (
    select * from {{ ref('listed_predictions') }}
),

thresholds as (
    select * from {{ ref('predictor_thresholds') }}
),

graded_splits as (
    select * from {{ ref('graded_splits') }}
),

predictions as (
    select
        predictors.campaign,
        predictors.split,
        predictors.customer_id,
        predictors.outcome,
        predictors.predictor,
        predictors.probability,
        predictors.probability >= thresholds.threshold as is_contacted,
        ntile(10) over (
            partition by
                predictors.campaign, predictors.split, predictors.predictor
            order by predictors.probability desc, predictors.entity_id asc
        ) as decile,
        -- ties share a place, so that a build repeats itself
        dense_rank() over best_last as exact_rank,
        sum(predictors.outcome) over everybody
        - sum(predictors.outcome) over best_last as conversions_above,
        max(predictors.outcome) over ties as has_conversion,
        count(*) over everybody as rows_in_split,
    from predictors
    inner join thresholds using (campaign, predictor)
    window
        everybody as (
            partition by
                predictors.campaign, predictors.split, predictors.predictor
        ),
        best_last as (
            partition by
                predictors.campaign, predictors.split, predictors.predictor
            order by predictors.probability
        ),
        ties as (
            partition by
                predictors.campaign, predictors.split, predictors.predictor,
                predictors.probability
        )
),

-- from the best: rows before a conversion, it and its ties, rows before the next, ...
add_bins as (
    select
        *,
        2 * conversions_above + has_conversion as bin,
    from predictions
),

add_errors_and_coarse_ranks as (
    select
        add_bins.*,
        hash(add_bins.customer_id) as customer_hash,
        -- ranks ascend from the worst
        -cast(least(add_bins.bin, floor(
            {{ exact_bins }} * (1 + ln(
                greatest(add_bins.bin, {{ exact_bins }}) / {{ exact_bins }}.0
            ))
        )) as bigint) as coarse_rank,
        -- large splits need fewer; what models are chosen by is no promise, but may
        -- have to grade them
        if(
            add_bins.split = 'train' and graded_splits.graded_split != 'train',
            0,
            least(
                {{ var('bootstrap_replicates') }},
                greatest(50, 5000000 // add_bins.rows_in_split)
            )
        ) as replicate_count,
        (add_bins.probability - add_bins.outcome)
        * (add_bins.probability - add_bins.outcome) as squared_error,
        -- a probability of exactly 0 or 1 would make the log loss infinite
        -ln(greatest(
            if(
                add_bins.outcome = 1,
                add_bins.probability, 1 - add_bins.probability
            ), 1e-15
        )) as log_error,
    from add_bins
    inner join graded_splits using (campaign)
)

select * from add_errors_and_coarse_ranks
