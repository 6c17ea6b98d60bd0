-- bins of rank: an interval needs no exact rank, and sorting a few hundred bins
-- beats sorting millions of rows
{% set finest = 500 %}

with predictors as (
    select * from {{ ref('listed_predictions') }}
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

-- a baseline decides by the threshold with the best F1 out of fold
count_from_the_top as (
    select
        campaign,
        predictor,
        probability,
        sum(count(*)) over from_the_top as contacted,
        sum(sum(outcome)) over from_the_top as true_positives,
        sum(sum(outcome)) over (partition by campaign, predictor) as positives,
    from predictors
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
    from count_from_the_top
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
        rank() over best_last as position,
        dense_rank() over best_last as exact_rank,
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
        )
),

add_errors_and_coarse_ranks as (
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
)

select * from add_errors_and_coarse_ranks
