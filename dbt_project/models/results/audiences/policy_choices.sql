with scores as (
    select * from {{ ref('conversion_scores') }}
),

models as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

policies as (
    select
        campaign,
        declaration ->> 'policy' as policy,
        -- a number is the same for all rows, a column's name is not
        try_cast(declaration ->> 'contact_cost' as double) is null
        or try_cast(declaration ->> 'conversion_value' as double) is null
            as has_money_per_row,
        declaration ->> 'conversion_value' is not null as has_value,
    from models
    -- nobody may be targeted by a variant
    where declaration ->> 'variant_of' is null
),

rank_rows as (
    select
        scores.*,
        policies.policy,
        policies.has_money_per_row,
        policies.has_value,
        case
            when scores.has_converted is null then 'contact'
            when scores.split = 'test' then 'rehearsal'
            else 'evidence'
        end as purpose,
        {{ contact_priority(
            'scores', 'policies.policy', 'policies.has_value'
        ) }} as priority,
    from scores
    inner join policies on scores.campaign = policies.campaign
),

chosen as (
    select *
    from rank_rows
    where
        case
            when policy = 'profit' and has_money_per_row
                then expected_profit > 0
            -- these take the best till their limit is reached
            when policy = 'capacity' and purpose = 'contact' then true
            when policy = 'budget' and purpose = 'contact'
                then coalesce(expected_profit > 0, true)
            else predicted_conversion
        end
)

select * from chosen
