with members as (
    select * from {{ ref('segment_members') }}
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

count_conversions as (
    select
        members.campaign,
        members.segment_id,
        count(*) as contacts,
        count(*) filter (where outcomes.has_converted) as converted,
    from members
    inner join outcomes
        on
            members.campaign = outcomes.campaign
            and members.entity_id = outcomes.customer_id
    where outcomes.has_converted is not null
    group by members.campaign, members.segment_id
)

select * from count_conversions
