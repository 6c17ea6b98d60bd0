with calls as (
    select
        *,
        dayofyear(call_date) as day_of_year,
    from {{ ref('stg_insurance__calls') }}
),

stepped as (
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
    from stepped
),

dated as (
    select
        *,
        366 * count(*) filter (where days_forward < -183) over (
            order by file_name, row_number
        ) + day_of_year as days_from_first_year,
    from stepped
),

ordered as (
    select
        dated.*,
        case
            when file_order.is_in_date_order then dated.days_from_first_year
        end as call_order,
    from dated
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
    from ordered
    group by call_order, call_date
),

described as (
    select
        -- ids
        ordered.client_id,

        -- order of the calls, for validation in time: no feature
        ordered.call_order,

        -- who the client is
        ordered.age,
        {{ age_band('ordered.age') }} as age_band,
        ordered.job,
        ordered.marital_status,
        ordered.education,

        -- what the bank knows of the client
        ordered.has_default,
        ordered.balance,
        ordered.has_housing_loan,
        ordered.has_personal_loan,

        -- how and when the client is called
        ordered.call_type,
        lower(strftime(ordered.call_date, '%b')) as call_month,
        ordered.day_of_year,
        call_lists.calls_on_date,
        call_lists.days_since_last_list,
        ordered.call_count,

        -- earlier campaigns
        ordered.days_since_last_campaign,
        ordered.previous_call_count,
        ordered.previous_outcome,

        -- known only after the call
        ordered.call_seconds,

        -- outcome
        ordered.has_subscribed,
    from ordered
    left join call_lists
        on
            ordered.call_date is not distinct from call_lists.call_date
            and ordered.call_order is not distinct from call_lists.call_order
),

assigned as (
    select
        *,
        case
            when has_subscribed is null then 'score'
            when {{ hash_bucket('client_id', 100) }} < 20 then 'test'
            else 'train'
        end as split,
    from described
)

select * from assigned
