{{ config(tags='not_daily') }}
-- capacity, budget and the channel's contacts of a week
with audiences as (
    select * from {{ ref('audiences') }}
    where purpose = 'contact' and week_start = {{ this_week() }}
),

channels as (
    select * from {{ ref('channels') }}
),

channel_weeks as (
    select
        channel,
        sum(contact_count) as contact_count,
    from audiences
    group by channel
)

select
    audience_id as what,
    policy_limit as most,
    if(threshold_policy = 'capacity', contact_count, contact_cost) as found,
from audiences
where
    threshold_policy in ('capacity', 'budget')
    and if(threshold_policy = 'capacity', contact_count, contact_cost)
    > policy_limit + 1e-6

union all

select
    channel_weeks.channel as what,
    channels.contacts_a_week as most,
    channel_weeks.contact_count as found,
from channel_weeks
inner join channels on channel_weeks.channel = channels.channel
where channel_weeks.contact_count > channels.contacts_a_week
