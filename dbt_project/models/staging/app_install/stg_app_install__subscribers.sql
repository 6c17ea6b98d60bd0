with subscribers as (
    {{ cleaned_rows('app_install', 'subscribers') }}
),

rename_columns as (
    select
        -- ids: pseudonyms
        customer_id,
        email_id,

        -- text
        gender,
        region,
        handset,
        tariff,

        -- numbers
        age,

        -- times
        activation_date,

        -- where it came from
        file_name,
        row_number,
    from subscribers
)

select * from rename_columns
