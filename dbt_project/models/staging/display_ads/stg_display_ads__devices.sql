-- a short key: there may be a billion devices with ten interests each
with devices as (
    {{ kept_rows(
        'display_ads', 'devices', item=row_key('device_id') ~ ' as device_key'
    ) }}
),

rename_columns as (
    select
        device_key,
        device_id,
        observed_date,
        has_converted,
        long_term_interests,
        short_term_interests,
        file_name,
        row_number,
    from devices
)

select * from rename_columns
