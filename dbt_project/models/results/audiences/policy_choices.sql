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
        cast(declaration ->> 'policy_limit' as double) as policy_limit,
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

row_counts as (
    select
        campaign,
        purpose,
        count(*) as row_count,
    from rank_rows
    group by campaign, purpose
),

-- known rows spend their share of the budget; without rows to be contacted, the test
-- rows stand in for them
share_budget as (
    select
        row_counts.campaign,
        row_counts.purpose,
        policies.policy_limit * row_counts.row_count
        / coalesce(contacts.row_count, rehearsals.row_count) as budget,
    from row_counts
    inner join policies on row_counts.campaign = policies.campaign
    left join row_counts as contacts
        on
            row_counts.campaign = contacts.campaign
            and contacts.purpose = 'contact'
    left join row_counts as rehearsals
        on
            row_counts.campaign = rehearsals.campaign
            and rehearsals.purpose = 'rehearsal'
    where policies.policy = 'budget'
),

keep_worth_contacting as (
    select *
    from rank_rows
    where
        case
            when policy = 'profit' and has_money_per_row
                then expected_profit > 0
            -- these take the best till their limit is reached
            when policy = 'capacity' and purpose = 'contact' then true
            when policy = 'budget' and has_value then expected_profit > 0
            when policy = 'budget' then contact_cost is not null
            else predicted_conversion
        end
),

add_spending as (
    select
        *,
        {{ exact_sum('greatest(contact_cost, 0)') }} over (
            partition by campaign, purpose
            order by {{ best_first() }}
        ) as spent,
    from keep_worth_contacting
),

add_budget as (
    select
        add_spending.*,
        share_budget.budget,
    from add_spending
    left join share_budget
        on
            add_spending.campaign = share_budget.campaign
            and add_spending.purpose = share_budget.purpose
),

-- of those to be contacted the budget is spent where it is known who may be
chosen as (
    select * exclude (spent, budget),
    from add_budget
    where purpose = 'contact' or budget is null or spent <= budget
)

select * from chosen
