-- What came of each audience, on the contacts whose outcome is known
with terms as (
    select * from {{ ref('audience_terms') }}
),

contacted as (
    select * from {{ ref('audience_expectations') }}
    where scope = 'contacted'
),

known as (
    select * from {{ ref('audience_expectations') }}
    where scope = 'known'
),

outcome_windows as (
    select * from {{ ref('outcome_windows') }}
),

combine as (
    select
        terms.audience_id,
        terms.campaign,
        terms.purpose,
        terms.week_start,
        contacted.contact_count,
        coalesce(known.contact_count, 0) as known_count,
        coalesce(known.realised_conversions, 0) as realised_conversions,
        known.expected_conversions,
        known.expected_conversions_lower,
        known.expected_conversions_upper,
        known.expected_profit_lower,
        known.expected_profit_upper,
        known.contact_cost,
        known.mean_value,
        known.realised_value,
        known.realised_value - known.contact_cost as realised_profit,
        -- a few outcomes never arrive
        known_count > 0
        and (
            known_count >= {{ var('realised_share') }} * contacted.contact_count
            or coalesce(
                contacted.selected_at + to_days(outcome_windows.outcome_days)
                < {{ selection_time() }},
                false
            )
        ) as is_judged,
    from terms
    inner join contacted on terms.audience_id = contacted.audience_id
    left join known on terms.audience_id = known.audience_id
    left join outcome_windows on terms.campaign = outcome_windows.campaign
),

compare as (
    select
        *,
        case
            when is_judged
                then
                    realised_conversions between expected_conversions_lower
                    and expected_conversions_upper
        end as is_within,
        -- bounds are whole conversions times a mean value, to a rounding error
        case
            when is_judged
                then
                    realised_profit between expected_profit_lower - 1e-6
                    and expected_profit_upper + 1e-6
        end as is_profit_within,
    from combine
)

select * from compare
