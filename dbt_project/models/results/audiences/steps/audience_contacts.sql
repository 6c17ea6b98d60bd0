with members as (
    select * from {{ ref('audience_members') }}
),

sent as (
    select * from {{ ref('sent_contacts') }}
),

first_exports as (
    select
        campaign,
        min(week_start) as exported_from,
    from sent
    group by campaign
),

-- who is new in this week may be in its next export
add_exports as (
    select
        members.*,
        sent.sent_at,
        members.suppressed_reason is not null as is_suppressed,
        coalesce(
            members.purpose = 'contact'
            and members.suppressed_reason is null
            and sent.sent_at is null
            and members.selected_at >= first_exports.exported_from
            and members.selected_at < {{ this_week() }}, false
        ) as is_unsent,
    from members
    left join first_exports on members.campaign = first_exports.campaign
    left join sent
        on
            members.audience_id = sent.audience_id
            and members.entity_id = sent.entity_id
),

add_contacts as (
    select
        * replace (is_holdout and not is_unsent as is_holdout),
        suppressed_reason is null and not is_unsent and not is_holdout
            as is_contacted,
    from add_exports
)

select * from add_contacts
