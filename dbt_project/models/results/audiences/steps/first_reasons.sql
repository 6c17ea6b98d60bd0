with members as (
    select
        *,
        suppressed_reason is null as is_chosen,
        suppressed_reason is null and not is_holdout as is_contacted,
        -- what the channel had no room for would have had a place
        is_contacted or coalesce(
            starts_with(suppressed_reason, 'channel cap'), false
        ) as takes_place,
        selected_at >= {{ this_week() }} as is_of_this_week,
    from {{ ref('audience_record') }}
),

newcomers as (
    select candidates.*
    from {{ ref('audience_candidates') }} as candidates
    anti join members
        on
            candidates.audience_id = members.audience_id
            and candidates.entity_id = members.entity_id
),

audiences_so_far as (
    select
        audience_id,
        max(rank) as last_rank,
        count(*) filter (where takes_place) as places_taken,
        coalesce(sum(contact_cost) filter (where takes_place), 0)
            as money_taken,
    from members
    group by audience_id
),

channels_so_far as (
    select
        channel,
        count(*) as contact_count,
    from members
    where is_contacted and is_of_this_week
    group by channel
),

-- who is held out stays so for as long as who is contacted rests
own_contacts as (
    select * from {{ ref('own_contacts') }}
),

chosen_this_week as (
    select
        source,
        customer_id,
        any_value(campaign) as campaign,
    from members
    where is_chosen and is_of_this_week
    group by source, customer_id
),

add_first_reason as (
    select
        newcomers.*,
        coalesce(audiences_so_far.last_rank, 0) as last_rank,
        -- of what the limit is left, and what a contact takes of it
        case
            when newcomers.purpose = 'rehearsal' then null
            when newcomers.threshold_policy = 'capacity'
                then
                    newcomers.policy_limit
                    - coalesce(audiences_so_far.places_taken, 0)
            when newcomers.threshold_policy = 'budget'
                then
                    newcomers.policy_limit
                    - coalesce(audiences_so_far.money_taken, 0)
        end as room,
        case newcomers.threshold_policy
            when 'capacity' then 1
            when 'budget' then greatest(newcomers.contact_cost, 0)
        end as room_of_contact,
        coalesce(channels_so_far.contact_count, 0) as channel_taken,
        {{ selection_time() }} - to_days(newcomers.rest_days) as rests_since,
        case
            when newcomers.purpose = 'rehearsal' then null
            when newcomers.refusal is not null then newcomers.refusal
            when newcomers.contacted_on > rests_since
                then format(
                    'contacted on {} (rest of {} days)',
                    newcomers.contacted_on, newcomers.rest_days
                )
            when own_contacts.chosen_on > rests_since
                then format(
                    '{} on {} (rest of {} days)',
                    if(own_contacts.is_holdout, 'held out', 'contacted'),
                    own_contacts.chosen_on, newcomers.rest_days
                )
            when chosen_this_week.campaign = newcomers.campaign
                then 'the same person is in this audience already'
            when chosen_this_week.campaign is not null
                then 'went to campaign ' || chosen_this_week.campaign
        end as reason,
        -- the same draw for all rows of a person
        {{ hash_bucket(
            "concat_ws('|', newcomers.audience_id, newcomers.customer_id, '"
            ~ var('holdout_salt') ~ "')",
            1000000
        ) }} as draw,
    from newcomers
    left join audiences_so_far
        on newcomers.audience_id = audiences_so_far.audience_id
    left join channels_so_far on newcomers.channel = channels_so_far.channel
    left join own_contacts
        on
            newcomers.source = own_contacts.source
            and newcomers.customer_id = own_contacts.customer_id
            and newcomers.channel = own_contacts.channel
    left join chosen_this_week
        on
            newcomers.source = chosen_this_week.source
            and newcomers.customer_id = chosen_this_week.customer_id
),

-- whose contact costs more than is left is no obstacle to those who cost less
keep_affordable as (
    select * from add_first_reason
    where coalesce(room_of_contact <= room, true)
)

select * from keep_affordable
