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
        -- what the promise is about, more being better
        case policy
            when 'precision_at_least' then promise_bound
            when 'false_alarms_at_most' then -promise_bound
        end as kept_promise,
        case policy
            when 'precision_at_least' then promise_bound >= policy_limit
            when 'false_alarms_at_most' then promise_bound <= policy_limit
            else true
        end as is_allowed,
    from curves
),

-- the best allowed; where a promise can't be kept, what comes nearest to it
ranked as (
    select
        *,
        row_number() over (
            partition by campaign
            order by
                is_allowed desc,
                case when is_allowed then objective else kept_promise end desc,
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
        promise_bound,
        case policy
            when 'precision_at_least'
                then 'at least {} % of those contacted convert'
            when 'false_alarms_at_most'
                then
                    'at most {} % of those who do not convert are contacted'
        end as wording,
    from ranked
    where preference = 1
),

worded as (
    select
        * exclude (wording),
        if(
            is_promise_kept,
            'Of new people, '
            || replace(
                wording, '{}', {{ three_digits('100 * promise_bound') }}
            )
            || ' (promised: ' || {{ three_digits('100 * policy_limit') }}
            || ' %), with 95 % confidence.',
            'The promise of ' || {{ three_digits('100 * policy_limit') }}
            || ' % cannot be kept. The best that can be said '
            || 'of new people with 95 % confidence: '
            || replace(
                wording, '{}', {{ three_digits('100 * promise_bound') }}
            )
            || '.'
        ) as promise_note,
    from chosen
)

select * from worded
