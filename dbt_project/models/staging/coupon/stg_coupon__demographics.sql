with households as (
    {{ cleaned_rows('coupon', 'demographics') }}
),

clean_values as (
    select
        -- ids
        household_id,

        -- text
        age_band,
        income_band,
        home_ownership,
        marital_status,
        household_composition,

        -- numbers: the open-ended '5+' and '3+' count by their lower end
        try_cast(household_size as integer) as household_size,
        try_cast(kids_count as integer) as kids_count,

        -- where it came from
        file_name,
        row_number,
    from households
)

select * from clean_values
