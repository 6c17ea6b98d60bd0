with judged_scores as (
    select * from {{ ref('judged_scores') }}
    where split = 'train'
),

policies as (
    select * from {{ ref('declared_policies') }}
    where policy in ('precision_at_least', 'false_alarms_at_most')
),

-- a promise is about those who do not convert, or about those who are contacted
promised_rows as (
    select
        judged_scores.*,
        policies.policy,
        cast(judged_scores.has_converted as integer) as outcome,
    from judged_scores
    inner join policies using (campaign)
    where
        policies.policy = 'precision_at_least'
        or not judged_scores.has_converted
),

number_rows as (
    select
        *,
        row_number() over of_customer as place,
        sum(outcome) over of_customer as conversions,
        count(*) over (partition by campaign, customer_id) as customer_rows,
    from promised_rows
    window of_customer as (
        partition by campaign, customer_id
        order by predicted_probability desc, entity_id asc
        rows between unbounded preceding and current row
    )
),

-- of a false-alarm rate all rows count from the start, of a precision those contacted
add_increments as (
    select
        campaign,
        policy,
        predicted_probability as threshold,
        cast(place = 1 as integer) as customers,
        if(policy = 'precision_at_least', 2 * place - 1, customer_rows)
            as squared_rows,
        if(policy = 'precision_at_least', outcome, 1) as converted,
        if(
            policy = 'precision_at_least',
            conversions + outcome * (place - 1), customer_rows
        ) as crossed,
        if(
            policy = 'precision_at_least',
            outcome * (2 * conversions - 1), 2 * place - 1
        ) as squared_converted,
    from number_rows
)

select * from add_increments
