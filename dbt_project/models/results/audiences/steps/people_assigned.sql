with candidates as (
    select * from {{ ref('first_reasons') }}
),

place_candidates as (
    select
        *,
        row_number() over (
            partition by audience_id
            order by {{ best_first() }}
        ) as place,
    from candidates
),

keep_one_row_a_person as (
    select
        * exclude (reason),
        case
            when reason is not null or purpose = 'rehearsal' then reason
            when row_number() over (
                partition by audience_id, customer_id, reason
                order by place
            ) > 1 then 'the same person ranks higher in this campaign'
        end as reason,
        purpose = 'contact'
        and coalesce(draw < 1000000 * holdout_share, false) as is_drawn,
    from place_candidates
),

-- whom each campaign would take, were it alone
fill_each_campaign_alone as (
    select
        *,
        reason is null and purpose = 'contact' as is_wanted,
        coalesce({{ exact_sum('room_of_contact') }} filter (
            where is_wanted and not is_drawn
        ) over best_first, 0) as room_used_alone,
        coalesce(
            room_used_alone + if(is_drawn, room_of_contact, 0) <= room, true
        ) as has_place,
        count(expected_profit) over (partition by audience_id) > 0
            as has_profit,
    from keep_one_row_a_person
    window best_first as (
        partition by audience_id
        order by place
    )
),

compare_campaigns as (
    select
        *,
        bool_and(has_profit) over (
            partition by source, customer_id, is_wanted, has_place
        ) as all_have_profit,
    from fill_each_campaign_alone
),

assign_people_to_campaigns as (
    select
        *,
        first_value(campaign) over campaigns_of_person as goes_to,
        first_value(expected_profit) over campaigns_of_person as best_profit,
        first_value(predicted_probability) over campaigns_of_person
            as best_probability,
    from compare_campaigns
    window campaigns_of_person as (
        partition by source, customer_id, is_wanted
        order by
            has_place desc, {{ common_worth('all_have_profit', 'assignment') }}
    )
),

add_other_campaign as (
    select
        * exclude (reason, has_place),
        if(
            is_wanted and goes_to != campaign,
            'goes to campaign ' || goes_to || case
                when not has_place then ''
                when all_have_profit and best_profit > expected_profit
                    then ' (higher expected profit)'
                when
                    not all_have_profit
                    and best_probability > predicted_probability
                    then ' (higher probability)'
                else ''
            end,
            reason
        ) as reason,
    from assign_people_to_campaigns
)

select * from add_other_campaign
