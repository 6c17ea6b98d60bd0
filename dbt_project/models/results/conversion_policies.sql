with curves as (
    select * from {{ ref('conversion_curves') }}
    where split = 'train'
),

valued as (
    select
        *,
        case policy
            when 'f1' then f1
            when 'profit' then expected_profit
            when 'fixed' then cast(threshold = policy_limit as integer)
            when 'precision_at_least' then recall
            when 'false_alarms_at_most' then recall
        end as objective,
        case policy
            when 'precision_at_least' then precision >= policy_limit
            when 'false_alarms_at_most' then false_alarm_rate <= policy_limit
            else true
        end as is_allowed,
    from curves
),

-- the best allowed; where a promise can't be kept, the most precise contacts
ranked as (
    select
        *,
        row_number() over (
            partition by campaign
            order by
                is_allowed desc,
                case when is_allowed then objective else precision end desc,
                threshold desc
        ) as preference,
    from valued
),

chosen as (
    select
        campaign,
        policy as threshold_policy,
        policy_limit,
        threshold,
        is_allowed as is_promise_kept,
    from ranked
    where preference = 1
)

select * from chosen
