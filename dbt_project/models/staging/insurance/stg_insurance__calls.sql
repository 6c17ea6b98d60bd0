with calls as (
    {{ cleaned_rows('insurance', 'calls') }}
),

clean_values as (
    select
        -- ids
        client_id,

        -- text
        job,
        marital_status,
        education,
        call_type,
        previous_outcome,

        -- numbers
        age,
        balance,
        call_seconds,
        call_count,
        days_since_last_campaign,
        previous_call_count,

        -- booleans
        has_default,
        has_housing_loan,
        has_personal_loan,
        has_subscribed,

        -- times: the files name no year; 2008, a leap year, takes every date
        cast(strptime(
            concat('2008 ', call_month, ' ', call_day),
            ['%Y %b %d', '%Y %B %d', '%Y %m %d']
        ) as date) as call_date,

        -- where it came from
        file_name,
        row_number,
    from calls
)

select * from clean_values
