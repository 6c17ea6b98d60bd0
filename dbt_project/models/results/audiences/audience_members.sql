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

with chosen as (
    select * from {{ ref('places_filled') }}
),

apply_channel_cap as (
    select
        * exclude (reason),
        case
            when reason is not null or purpose = 'rehearsal' then reason
            -- who is held out too: they must be such as are contacted
            when
                channel_taken + count(*) filter (where takes_place) over (
                    partition by channel
                    order by {{ common_worth('all_have_profit') }}
                    rows between unbounded preceding and 1 preceding
                ) >= contacts_a_week
                then format(
                    'channel cap of {} a week reached', contacts_a_week
                )
        end as reason,
    from chosen
),

rank_members as (
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
            order by place
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
    from apply_channel_cap
    order by audience_id asc, rank asc
)

select * from rank_members
