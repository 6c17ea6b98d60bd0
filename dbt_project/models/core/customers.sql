with households as (
    select * from {{ ref('stg_coupon__households') }}
),

buyers as (
    select distinct household_id from {{ ref('stg_coupon__transactions') }}
),

contacts as (
    select distinct household_id from {{ ref('stg_coupon__contacts') }}
),

known_households as (
    select household_id from buyers
    union
    select household_id from contacts
    union
    select household_id from households
),

clients as (
    select * from {{ ref('stg_insurance__calls') }}
),

conformed as (
    select
        'coupon' as source,
        cast(known_households.household_id as varchar) as customer_id,
        households.household_id is not null as has_demographics,
        households.age_band,
        households.marital_status,
        households.income_band,
        households.home_ownership,
        households.household_size,
        households.kids_count,
        cast(null as varchar) as job,
        cast(null as varchar) as education,
    from known_households
    left join households using (household_id)

    union all by name

    select
        'insurance' as source,
        client_id as customer_id,
        age is not null or job is not null as has_demographics,
        {{ age_band('age') }} as age_band,
        marital_status,
        job,
        education,
    from clients
)

select * from conformed
