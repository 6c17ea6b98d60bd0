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

choose_thresholds as (
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
)

select * from choose_thresholds
