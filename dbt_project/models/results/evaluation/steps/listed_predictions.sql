with add_outcome_number as (
    select
        *,
        cast(has_converted as integer) as outcome,
    from {{ ref('judged_scores') }}
),

list_predictors as (
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
    from add_outcome_number
),

keep_predicted as (
    select * from list_predictors
    where probability is not null
)

select * from keep_predicted
