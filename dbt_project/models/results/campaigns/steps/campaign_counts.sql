with outcomes as (
    select * from {{ ref('all_scores') }}
),

counts as (
    select
        campaign,
        count(*) as entity_count,
        count(*) filter (where split = 'train') as train_count,
        count(*) filter (where split = 'test') as test_count,
        count(*) filter (where split = 'score') as score_count,
        count(*) filter (where has_converted) as conversion_count,
        avg(cast(has_converted as integer)) as base_rate,
        avg(contact_cost) as mean_contact_cost,
        avg(conversion_value) as mean_conversion_value,
        max(scored_at) as scored_at,
    from outcomes
    group by campaign
),

contacts as (
    select
        campaign,
        count(*) as score_contact_count,
        sum(predicted_probability) as score_expected_conversions,
    from {{ ref('conversion_scores') }}
    where predicted_conversion and split = 'score'
    group by campaign
),

add_contacts as (
    select
        counts.*,
        coalesce(contacts.score_contact_count, 0) as score_contact_count,
        coalesce(contacts.score_expected_conversions, 0)
            as score_expected_conversions,
    from counts
    left join contacts using (campaign)
)

select * from add_contacts
