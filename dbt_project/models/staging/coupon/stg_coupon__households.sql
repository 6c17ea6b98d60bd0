with households as (
    select * from {{ ref('base_coupon__demographics') }}
    where reject_reason is null
),

cleaned as (
    select
        -- ids
        household_id,

        -- text
        case when age_band not ilike 'unknown' then age_band end as age_band,
        case when income_band not ilike 'unknown' then income_band end
            as income_band,
        case
            when home_ownership not ilike 'unknown' then lower(home_ownership)
        end as home_ownership,
        case
            when marital_status not ilike 'unknown' then lower(marital_status)
        end as marital_status,
        lower(household_composition) as household_composition,

        -- numbers: '5+' and '3+' are open-ended, counted by their lower end
        try_cast(rtrim(household_size, '+') as integer) as household_size,
        try_cast(rtrim(kids_count, '+') as integer) as kids_count,

        -- where it came from
        file_name,
        row_number,
    from households
)

select * from cleaned
