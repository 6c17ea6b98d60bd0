{#
    The record of who was chosen. Each build adds new people to the week's audience and changes nobody who is
    in it. Only people who asked to be erased leave it, and people drawn by a build that was not published.
    Rehearsals contact nobody and are made anew.
#}
{{ config(
    materialized='incremental',
    incremental_strategy='append',
    on_schema_change='append_new_columns',
    full_refresh=false,
    pre_hook=[
        "{{ forget_unpublished() }}",
        "{% if is_incremental() %} delete from {{ this }} where purpose = 'rehearsal' {% endif %}",
    ],
    post_hook="
        delete from {{ this }} as members
        where {{ is_erased(ref('erasure_requests'), 'members.source', 'members.customer_id') }}
    ",
) }}

with candidates as (
    select * from {{ ref('audience_candidates') }}
),

members as (
    {% if is_incremental() %}
    select
        *,
        suppressed_reason is null as is_chosen,
        suppressed_reason is null and not is_holdout as is_contacted,
        -- what the channel had no room for would have had a place
        is_contacted or coalesce(
            starts_with(suppressed_reason, 'channel cap'), false
        ) as takes_place,
        selected_at >= {{ this_week() }} as is_of_this_week,
    from {{ this }}
    where purpose = 'contact'
    {% else %}
    select
        *,
        null as rank,
        cast(null as timestamp) as selected_at,
        false as is_holdout,
        false as is_chosen,
        false as is_contacted,
        false as takes_place,
        false as is_of_this_week,
    from candidates
    where false
    {% endif %}
),

newcomers as (
    select candidates.*
    from candidates
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
    select
        source,
        customer_id,
        channel,
        max(cast(selected_at as date)) as chosen_on,
        arg_max(is_holdout, selected_at) as is_holdout,
    from members
    where is_chosen and not is_of_this_week
    group by source, customer_id, channel
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

refused as (
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
            when 'budget' then coalesce(newcomers.contact_cost, 0)
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

once_a_person as (
    select
        * exclude (reason),
        case
            when reason is not null or purpose = 'rehearsal' then reason
            when row_number() over (
                partition by audience_id, customer_id, reason
                order by priority desc, entity_id asc
            ) > 1 then 'the same person ranks higher in this campaign'
        end as reason,
        purpose = 'contact'
        and coalesce(draw < 1000000 * holdout_share, false) as is_drawn,
    from refused
),

-- whom each campaign would take, were it alone
taken_alone as (
    select
        *,
        coalesce(
            sum(room_of_contact) filter (where reason is null and not is_drawn)
                over best_first, 0
        ) as room_used_alone,
    from once_a_person
    window best_first as (
        partition by audience_id
        order by priority desc, entity_id asc
    )
),

assigned as (
    select
        *,
        reason is null and purpose = 'contact' as is_wanted,
        first_value(campaign) over campaigns_of_person as goes_to,
        first_value(expected_profit) over campaigns_of_person as best_profit,
    from taken_alone
    window campaigns_of_person as (
        partition by source, customer_id, reason is null and purpose = 'contact'
        order by
            coalesce(room_used_alone <= room, true) desc,
            expected_profit desc nulls last,
            campaign asc
    )
),

parted as (
    select
        * exclude (reason),
        if(
            is_wanted and goes_to != campaign,
            'goes to campaign ' || goes_to || if(
                best_profit > expected_profit or expected_profit is null,
                ' (higher expected profit)', ''
            ),
            reason
        ) as reason,
    from assigned
),

placed as (
    select
        *,
        reason is null and not is_drawn and purpose = 'contact'
            as takes_place,
        coalesce(
            sum(room_of_contact) filter (where reason is null and not is_drawn)
                over best_first, 0
        ) as room_used,
    from parted
    window best_first as (
        partition by audience_id
        order by priority desc, entity_id asc
    )
),

capped as (
    select
        * exclude (reason),
        case
            when reason is not null or purpose = 'rehearsal' then reason
            -- who is held out too: they must be such as are contacted
            when
                channel_taken + count(*) filter (where takes_place) over (
                    partition by channel
                    order by
                        expected_profit desc nulls last,
                        campaign asc,
                        entity_id asc
                    rows between unbounded preceding and 1 preceding
                ) >= contacts_a_week
                then format(
                    'channel cap of {} a week reached', contacts_a_week
                )
        end as reason,
    from placed
    -- those left out are kept only while there is room
    where
        room is null
        or room_used < room
        or (takes_place and room_used = room)
),

ranked as (
    select
        audience_id,
        campaign,
        purpose,
        source,
        channel,
        entity_id,
        customer_id,
        last_rank + row_number() over (
            partition by audience_id
            order by priority desc, entity_id asc
        ) as rank,
        predicted_probability,
        decile,
        predicted_probability as expected_conversions,
        contact_cost,
        conversion_value,
        expected_profit,
        is_drawn and reason is null as is_holdout,
        reason as suppressed_reason,
        model_version,
        {{ selection_time() }} as selected_at,
    from capped
    order by audience_id asc, rank asc
)

select * from ranked
