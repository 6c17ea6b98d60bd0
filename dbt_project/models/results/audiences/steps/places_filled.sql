with candidates as (
    select * from {{ ref('people_assigned') }}
),

-- the best first, up to the first whose contact costs more than is left
fill_by_priority as (
    select
        *,
        reason is null and not is_drawn and purpose = 'contact'
            as takes_place,
        -- what others would take, of whom only those are kept that had a place
        if(takes_place, 0, room_of_contact) as own_room,
        coalesce({{ exact_sum('room_of_contact') }} filter (
            where takes_place
        ) over best_first, 0) as room_used,
    from candidates
    window best_first as (
        partition by audience_id
        order by place
    )
),

add_rest as (
    select
        *,
        room - coalesce(max(room_used) filter (
            where takes_place and room_used <= room
        ) over (partition by audience_id), 0) as rest,
    from fill_by_priority
),

-- what is left goes to the best of those who cost no more than that
spend_rest as (
    select
        *,
        coalesce({{ exact_sum('room_of_contact') }} filter (
            where takes_place and room_used > room and room_of_contact <= rest
        ) over (
            partition by audience_id
            order by place
        ), 0) as rest_used,
        room is null
        or room_used + own_room <= room
        or (room_of_contact <= rest and rest_used + own_room <= rest)
            as has_place,
        -- what a budget is to buy: profit, or conversions where no value is known
        if(
            takes_place and threshold_policy = 'budget',
            coalesce(expected_profit, predicted_probability),
            null
        ) as worth,
    from add_rest
),

-- if one contact alone is worth more than all of these, it takes their place: so the
-- budget buys at least half of what is possible (Kellerer, Pferschy and Pisinger 2004)
compare_with_worthiest as (
    select
        *,
        coalesce(
            max(worth) over audience
            > coalesce(sum(worth) filter (where has_place) over audience, 0),
            false
        ) as one_is_worth_more,
        row_number() over (
            partition by audience_id
            order by worth desc nulls last, place asc
        ) = 1 as is_worthiest,
        bool_and(has_profit) filter (where takes_place)
            over (partition by channel) as all_have_profit,
    from spend_rest
    window audience as (partition by audience_id)
),

keep_those_with_a_place as (
    select * exclude (has_place)
    from compare_with_worthiest
    where if(one_is_worth_more, is_worthiest, has_place)
)

select * from keep_those_with_a_place
