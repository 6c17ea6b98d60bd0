{% set sources = listed_sources() %}

with {% if 'coupon' in sources %}
households as (
    select * from {{ ref('stg_coupon__demographics') }}
),

buyers as (
    select distinct household_id from {{ ref('stg_coupon__transactions') }}
),

contacts as (
    select distinct household_id from {{ ref('stg_coupon__campaigns') }}
),

known_households as (
    select household_id from buyers
    union
    select household_id from contacts
    union
    select household_id from households
),
{% endif %}
{% if 'insurance' in sources %}
clients as (
    select * from {{ ref('stg_insurance__calls') }}
),
{% endif %}
{% if 'online_retail' in sources %}
invoice_lines as (
    select * from {{ ref('stg_online_retail__invoice_lines') }}
    where customer_id is not null
),

shoppers as (
    select
        customer_id,
        mode(country order by country) as country,
    from invoice_lines
    group by customer_id
),
{% endif %}
{% if 'app_install' in sources %}
subscribers as (
    select * from {{ ref('stg_app_install__subscribers') }}
),

active_numbers as (
    select customer_id from {{ ref('stg_app_install__transactions') }}
    union
    select customer_id from {{ ref('stg_app_install__ad_events') }}
    union
    select customer_id from {{ ref('stg_app_install__installs') }}
    union
    select customer_id from subscribers
),
{% endif %}
{% if 'mail_out' in sources %}
mailed_people as (
    select
        person_id,
        part,
    from {{ ref('stg_mail_out__people') }}
    where part != 'population'
),
{% endif %}
-- the columns, whichever sources are listed
conform_columns as (
    select
        cast(null as varchar) as source,
        cast(null as varchar) as customer_id,
        cast(null as boolean) as has_demographics,
        cast(null as varchar) as age_band,
        cast(null as varchar) as marital_status,
        cast(null as varchar) as income_band,
        cast(null as varchar) as home_ownership,
        cast(null as integer) as household_size,
        cast(null as integer) as kids_count,
        cast(null as varchar) as job,
        cast(null as varchar) as education,
        cast(null as varchar) as country,
        cast(null as varchar) as gender,
        cast(null as varchar) as region,
    where false

    {% if 'coupon' in sources %}
    union all by name

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
    {% endif %}

    {% if 'insurance' in sources %}
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
    {% endif %}

    {% if 'online_retail' in sources %}
    union all by name

    select
        'online_retail' as source,
        customer_id,
        false as has_demographics,
        country,
    from shoppers
    {% endif %}

    {% if 'app_install' in sources %}
    union all by name

    select
        'app_install' as source,
        active_numbers.customer_id,
        subscribers.customer_id is not null as has_demographics,
        {{ age_band('subscribers.age') }} as age_band,
        subscribers.gender,
        subscribers.region,
    from active_numbers
    left join subscribers using (customer_id)
    {% endif %}

    {% if 'mail_out' in sources %}
    union all by name

    -- a customer of the shop and a person who was written to may share a number
    select
        'mail_out' as source,
        concat(part, '-', person_id) as customer_id,
        true as has_demographics,
    from mailed_people
    {% endif %}
)

select * from conform_columns
