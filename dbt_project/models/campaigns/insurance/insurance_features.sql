with calls as (
    select * from {{ ref('stg_insurance__calls') }}
),

call_lists as (
    select
        call_date,
        count(*) as calls_on_date,
    from calls
    group by call_date
),

described as (
    select
        -- ids
        calls.client_id,

        -- who the client is
        calls.age,
        {{ age_band('calls.age') }} as age_band,
        calls.job,
        calls.marital_status,
        calls.education,

        -- what the bank knows of the client
        calls.has_default,
        calls.balance,
        calls.has_housing_loan,
        calls.has_personal_loan,

        -- how and when the client is called
        calls.call_type,
        day(calls.call_date) as call_day,
        lower(strftime(calls.call_date, '%b')) as call_month,
        dayofyear(calls.call_date) as day_of_year,
        call_lists.calls_on_date,
        calls.call_count,

        -- earlier campaigns
        calls.days_since_last_campaign,
        calls.previous_call_count,
        calls.previous_outcome,

        -- known only after the call
        calls.call_seconds,

        -- outcome
        calls.has_subscribed,
    from calls
    left join call_lists using (call_date)
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
