{% set sums = [
    'customers', 'converted', 'crossed', 'squared_converted', 'squared_rows'
] %}

with judged_scores as (
    select * from {{ ref('judged_scores') }}
    where split = 'train'
),

policies as (
    select
        campaign,
        declaration ->> 'policy' as policy,
    from {{ ref('conversion_models') }}
    where
        is_newest
        and (declaration ->> 'policy') in (
            'precision_at_least', 'false_alarms_at_most'
        )
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

-- what a row adds to its customer's sums: of a false-alarm rate all rows count from
-- the start, of a precision those contacted
add_increments as (
    select
        campaign,
        policy,
        predicted_probability,
        cast(place = 1 as integer) as customers,
        customer_rows,
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
),

count_thresholds as (
    select
        campaign,
        policy,
        predicted_probability as threshold,
        {% for column in sums %}
        sum({{ column }}) as {{ column }},
        {% endfor %}
        count(*) as row_count,
    from add_increments
    group by campaign, policy, predicted_probability
),

sum_from_the_top as (
    select
        campaign,
        policy,
        threshold,
        {% for column in sums %}
        sum({{ column }}) over from_the_top as contacted_{{ column }},
        sum({{ column }}) over everybody as all_{{ column }},
        {% endfor %}
        sum(row_count) over from_the_top as contacted_row_count,
        sum(row_count) over everybody as all_row_count,
    from count_thresholds
    window
        everybody as (partition by campaign),
        from_the_top as (
            partition by campaign
            order by threshold desc
        )
),

choose_trials as (
    select
        campaign,
        threshold,
        cast(contacted_converted as double) as known_converted,
        cast(contacted_crossed as double) as crossed,
        cast(contacted_squared_converted as double) as squared_converted,
        if(policy = 'precision_at_least', contacted_customers, all_customers)
            as customers,
        cast(if(
            policy = 'precision_at_least', contacted_row_count, all_row_count
        ) as double) as known_rows,
        cast(if(
            policy = 'precision_at_least',
            contacted_squared_rows, all_squared_rows
        ) as double) as squared_rows,
    from sum_from_the_top
),

add_excess as (
    select
        *,
        {{ excess_of_customers() }} as excess,
        {{ pairs_of_customers() }} as pairs,
    from choose_trials
),

add_effects as (
    select
        campaign,
        threshold,
        {{ design_effect() }} as design_effect,
    from add_excess
    window whole as (partition by campaign)
)

select * from add_effects
