with choices as (
    select * from {{ ref('policy_choices') }}
),

ages as (
    select * from {{ ref('candidate_ages') }}
),

used_rows as (
    select
        campaign,
        entity_id,
        cast(max(chosen_at) as date) as used_on,
    from {{ ref('earlier_contacts') }}
    group by campaign, entity_id
),

add_reason_left_out as (
    select
        choices.*,
        case
            when choices.purpose != 'contact' then null
            when ages.is_old then 'old'
            when
                used_rows.used_on >= coalesce(ages.as_of, used_rows.used_on)
                then 'used'
            when ages.has_newer_row then 'newer row'
        end as left_out_as,
    from choices
    left join ages
        on
            choices.campaign = ages.campaign
            and choices.entity_id = ages.entity_id
    left join used_rows
        on
            choices.campaign = used_rows.campaign
            and choices.entity_id = used_rows.entity_id
)

select * from add_reason_left_out
