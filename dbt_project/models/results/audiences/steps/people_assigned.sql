with candidates as (
    select * from {{ ref('first_reasons') }}
),

keep_one_row_a_person as (
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
    from candidates
),

-- whom each campaign would take, were it alone
fill_each_campaign_alone as (
    select
        *,
        coalesce(
            sum(room_of_contact) filter (where reason is null and not is_drawn)
                over best_first, 0
        ) as room_used_alone,
    from keep_one_row_a_person
    window best_first as (
        partition by audience_id
        order by priority desc, entity_id asc
    )
),

assign_people_to_campaigns as (
    select
        *,
        reason is null and purpose = 'contact' as is_wanted,
        first_value(campaign) over campaigns_of_person as goes_to,
        first_value(expected_profit) over campaigns_of_person as best_profit,
    from fill_each_campaign_alone
    window campaigns_of_person as (
        partition by source, customer_id, reason is null and purpose = 'contact'
        order by
            coalesce(room_used_alone <= room, true) desc,
            expected_profit desc nulls last,
            campaign asc
    )
),

add_other_campaign as (
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
    from assign_people_to_campaigns
)

select * from add_other_campaign
