with terms as (
    select * from {{ ref('audience_terms') }}
),

members as (
    select * from {{ ref('audience_contacts') }}
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

add_outcomes as (
    select
        members.*,
        bool_or(members.conversion_value is not null) over (
            partition by members.audience_id
        ) as has_value,
        {{ contact_priority('members', 'terms.threshold_policy', 'has_value') }}
            as priority,
        members.predicted_probability * (1 - members.predicted_probability)
            as chance,
        chance * members.conversion_value * members.conversion_value
            as revenue_chance,
        members.predicted_probability * members.conversion_value as revenue,
        cast(outcomes.has_converted as integer) * members.conversion_value
            as realised_value,
        outcomes.has_converted,
    from members
    inner join terms on members.audience_id = terms.audience_id
    left join outcomes
        on
            members.campaign = outcomes.campaign
            and members.entity_id = outcomes.entity_id
)

select * from add_outcomes
