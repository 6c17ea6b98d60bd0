with curves as (
    select * from {{ ref('policy_curves') }}
),

add_objective as (
    select
        *,
        case policy
            when 'f1' then f1
            -- by money nobody is contacted of whom it is not known
            when 'profit' then known_value - known_cost
            when 'fixed' then cast(threshold = policy_limit as integer)
            when 'precision_at_least' then recall
            when 'false_alarms_at_most' then recall
            when 'capacity' then contacted
            -- no contact at a loss, where that is known
            when 'budget' then coalesce(known_value - known_cost, contacted)
        end as objective,
        -- what the promise is about, more being better
        case policy
            when 'precision_at_least' then promise_bound
            when 'false_alarms_at_most' then -promise_bound
        end as kept_promise,
        case policy
            when 'precision_at_least' then promise_bound >= policy_limit
            when 'false_alarms_at_most' then promise_bound <= policy_limit
            when 'capacity'
                then contacted * rows_per_known_row <= policy_limit
            when 'budget'
                then known_cost * rows_per_known_row <= policy_limit
            else true
        end as is_allowed,
    from curves
),

-- the best allowed; where a promise can't be kept, what comes nearest to it
rank_thresholds as (
    select
        *,
        row_number() over (
            partition by campaign
            order by
                is_allowed desc,
                case when is_allowed then objective else kept_promise end desc,
                threshold desc
        ) as preference,
    from add_objective
),

choose_best_threshold as (
    select
        campaign,
        policy as threshold_policy,
        policy_limit,
        threshold,
        is_allowed as is_promise_kept,
        promise_bound,
    from rank_thresholds
    where preference = 1
)

select * from choose_best_threshold
