with results as (
    select * from {{ ref('audience_results') }}
    where purpose = 'contact'
),

lift_so_far as (
    select * from {{ ref('lift_so_far') }}
),

combine as (
    select
        results.campaign,
        results.week_start,
        results.contact_count,
        results.known_count,
        results.expected_conversions,
        results.expected_conversions_lower,
        results.expected_conversions_upper,
        results.realised_conversions,
        results.is_within,
        {{ money('results.contact_cost') }} as contact_cost,
        {{ money('results.realised_value') }} as conversion_value,
        {{ money('results.realised_profit') }} as gross_profit,
        {{ money('lift_so_far.gross_profit') }} as gross_profit_so_far,
        lift_so_far.lift as lift_so_far,
        lift_so_far.lift_lower as lift_so_far_lower,
        lift_so_far.lift_upper as lift_so_far_upper,
        lift_so_far.incremental_conversions as incremental_conversions_so_far,
        lift_so_far.incremental_conversions_lower
            as incremental_conversions_so_far_lower,
        lift_so_far.incremental_conversions_upper
            as incremental_conversions_so_far_upper,
        {{ money('lift_so_far.incremental_profit') }}
            as incremental_profit_so_far,
        {{ money('lift_so_far.incremental_profit_lower') }}
            as incremental_profit_so_far_lower,
        {{ money('lift_so_far.incremental_profit_upper') }}
            as incremental_profit_so_far_upper,
    from results
    left join lift_so_far on results.audience_id = lift_so_far.audience_id
)

select * from combine
