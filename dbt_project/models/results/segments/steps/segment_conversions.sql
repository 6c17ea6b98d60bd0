with members as (
    select * from {{ ref('segment_members') }}
),

segmenters as (
    select * from {{ ref('segmenters') }}
),

models as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

scores as (
    select * from {{ ref('all_scores') }}
),

-- a campaign groups its rows, or the people whom they are about
outcomes as (
    select
        scores.campaign,
        scores.customer_id,
        scores.has_converted,
        if(
            segmenters.entity = (models.declaration ->> 'entity'),
            scores.entity_id, scores.customer_id
        ) as member_id,
    from scores
    inner join models on scores.campaign = models.campaign
    inner join segmenters on scores.campaign = segmenters.campaign
    where scores.has_converted is not null
),

customers as (
    select
        members.campaign,
        members.segment_id,
        outcomes.customer_id,
        count(*) as row_count,
        count(*) filter (where outcomes.has_converted) as converted,
    from members
    inner join outcomes
        on
            members.campaign = outcomes.campaign
            and members.entity_id = outcomes.member_id
    group by members.campaign, members.segment_id, outcomes.customer_id
),

count_conversions as (
    {{ clustered_counts(
        'customers', ['campaign', 'segment_id'], ['campaign']
    ) }}
)

select * from count_conversions
