with curves as (
    select * from {{ ref('conversion_curves') }}
    where split = 'train'
),

outcomes as (
    {{ union_campaigns('scores') }}
),

limits as (
    select distinct
        campaign,
        policy_limit,
    from curves
    where policy = 'false_alarms_at_most'
),

-- new rows may score higher than known ones did, whatever comes of them: what false
-- alarms to expect of them needs no outcome
expected_alarms as (
    select
        outcomes.campaign,
        outcomes.split,
        outcomes.predicted_probability,
        limits.policy_limit,
        sum(cast(1 - outcomes.predicted_probability as decimal(18, 12)))
            over best_first as alarms,
        sum(cast(1 - outcomes.predicted_probability as decimal(18, 12)))
            over whole as all_alarms,
    from outcomes
    inner join limits using (campaign)
    where outcomes.split != 'train'
    window
        best_first as (
            partition by outcomes.campaign, outcomes.split
            order by outcomes.predicted_probability desc
        ),
        whole as (partition by outcomes.campaign, outcomes.split)
),

reached as (
    select
        campaign,
        split,
        coalesce(
            min(predicted_probability) filter (
                where alarms <= policy_limit * cast(all_alarms as double)
            ), 1
        ) as lowest,
    from expected_alarms
    group by campaign, split
),

lowest_allowed as (
    select
        campaign,
        max(lowest) as lowest,
    from reached
    group by campaign
),

informed as (
    select
        curves.*,
        coalesce(lowest_allowed.lowest, 0) as lowest_allowed,
    from curves
    left join lowest_allowed using (campaign)
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
            when 'false_alarms_at_most'
                then
                    promise_bound <= policy_limit
                    and threshold >= lowest_allowed
            else true
        end as is_allowed,
    from informed
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
            'Promised of new people, with 95 % confidence: '
            || replace(
                wording, '{}', {{ three_digits('100 * policy_limit') }}
            )
            || '.',
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
