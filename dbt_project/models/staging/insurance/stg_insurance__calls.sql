with calls as (
    select * from {{ ref('base_insurance__calls') }}
    where reject_reason is null
),

cleaned as (
    select
        -- ids
        client_id,

        -- text: 'unknown' is the source's word for missing
        {% for column in [
            'job', 'marital_status', 'education', 'call_type', 'previous_outcome'
        ] %}
        case
            when lower({{ column }}) != 'unknown'
                then lower(rtrim({{ column }}, '.'))
        end as {{ column }},
        {% endfor %}

        -- numbers
        case when age between 16 and 110 then age end as age,
        balance,
        case when call_seconds >= 0 then call_seconds end as call_seconds,
        case when call_count >= 1 then call_count end as call_count,
        case
            when days_since_last_campaign >= 0 then days_since_last_campaign
        end as days_since_last_campaign,
        previous_call_count,

        -- booleans
        has_default,
        has_housing_loan,
        has_personal_loan,
        has_subscribed,

        -- times: the files name no year; 2008, a leap year, takes every date
        try_cast(try_strptime(
            concat('2008 ', left(call_month, 3), ' ', call_day), '%Y %b %d'
        ) as date) as call_date,

        -- where it came from
        file_name,
        row_number,
    from calls
)

select * from cleaned
