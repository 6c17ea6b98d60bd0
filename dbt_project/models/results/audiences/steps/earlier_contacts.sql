with members as (
    select * from {{ ref('audience_record') }}
    where suppressed_reason is null and selected_at < {{ this_week() }}
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

-- before a campaign's first export people are contacted as they are drawn
combine_contacts as (
    select
        members.campaign,
        members.entity_id,
        members.source,
        members.customer_id,
        members.channel,
        members.is_holdout,
        members.selected_at as chosen_at,
    from members
    left join first_exports on members.campaign = first_exports.campaign
    where coalesce(members.selected_at < first_exports.exported_from, true)

    union all

    select
        campaign,
        entity_id,
        source,
        customer_id,
        channel,
        is_holdout,
        sent_at as chosen_at,
    from sent
)

select * from combine_contacts
