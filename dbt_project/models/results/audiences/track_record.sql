with results as (
    select * from {{ ref('audience_results') }}
    where purpose = 'contact'
),

track_record as (
    select
        campaign,
        week_start,
        contact_count,
        known_count,
        expected_conversions,
        expected_conversions_lower,
        expected_conversions_upper,
        realised_conversions,
        is_within,
        contact_cost,
        realised_value as conversion_value,
        realised_profit as gross_profit,
    from results
)

select * from track_record
