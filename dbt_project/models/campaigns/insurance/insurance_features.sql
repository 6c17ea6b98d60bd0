with calls as (
    select
        *,
        dayofyear(call_date) as day_of_year,
    from {{ ref('stg_insurance__calls') }}
),

add_steps as (
    select
        *,
        day_of_year - lag(day_of_year ignore nulls) over (
            order by file_name, row_number
        ) as days_forward,
    from calls
),

-- a step back of more than half a year is a new year, any other is disorder
file_order as (
    select
        1000 * count(*) filter (where days_forward between -183 and -1)
        <= count(*) as is_in_date_order,
    from add_steps
),

add_dates as (
    select
        *,
        366 * count(*) filter (where days_forward < -183) over (
            order by file_name, row_number
        ) + day_of_year as days_from_first_year,
    from add_steps
),

order_rows as (
    select
        add_dates.*,
        case
            when file_order.is_in_date_order then add_dates.days_from_first_year
        end as call_order,
    from add_dates
    cross join file_order
),

-- without an order the years of a day and month cannot be told apart
call_lists as (
    select
        call_order,
        call_date,
        count(*) as calls_on_date,
        call_order - lag(call_order) over (
            order by call_order
        ) as days_since_last_list,
    from order_rows
    group by call_order, call_date
),

add_descriptions as (
    select
        -- ids
        order_rows.client_id,

        -- order of the calls, for validation in time: no feature
        order_rows.call_order,

        -- who the client is
        order_rows.age,
        {{ age_band('order_rows.age') }} as age_band,
        order_rows.job,
        order_rows.marital_status,
        order_rows.education,

        -- what the bank knows of the client
        order_rows.has_default,
        order_rows.balance,
        order_rows.has_housing_loan,
        order_rows.has_personal_loan,

        -- how and when the client is called
        order_rows.call_type,
        lower(strftime(order_rows.call_date, '%b')) as call_month,
        order_rows.day_of_year,
        call_lists.calls_on_date,
        call_lists.days_since_last_list,
        order_rows.call_count,

        -- earlier campaigns
        order_rows.days_since_last_campaign,
        order_rows.previous_call_count,
        order_rows.previous_outcome,

        -- known only after the call
        order_rows.call_seconds,

        -- outcome
        order_rows.has_subscribed,
    from order_rows
    left join call_lists
        on
            order_rows.call_date is not distinct from call_lists.call_date
            and order_rows.call_order is not distinct from call_lists.call_order
),

assign_rows as (
    select
        *,
        case
            when has_subscribed is null then 'score'
            when {{ hash_bucket('client_id', 100) }} < 20 then 'test'
            else 'train'
        end as split,
    from add_descriptions
)

select * from assign_rows
