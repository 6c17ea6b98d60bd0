with curves as (
    select * from {{ ref('conversion_curves') }}
    where split = 'train'
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

thresholds as (
    select * from curves
    where policy = 'false_alarms_at_most'
),

promising as (
    select distinct campaign from thresholds
),

new_rows as (
    select outcomes.*
    from outcomes
    semi join promising on outcomes.campaign = promising.campaign
    where
        outcomes.split != 'train'
        and outcomes.predicted_probability is not null
),

splits as (
    select distinct
        campaign,
        split,
    from new_rows
),

-- those that are to be contacted; without any, the test rows stand in
rows_to_contact as (
    select
        campaign,
        coalesce(
            nullif(count(*) filter (where split = 'score'), 0),
            count(*) filter (where split = 'test')
        ) as row_count,
    from outcomes
    where predicted_probability is not null
    group by campaign
),

-- new rows may score higher than known ones did, whatever comes of them: how many would
-- be contacted needs no outcome
events as (
    select
        campaign,
        split,
        predicted_probability as probability,
        1 as row_count,
        false as is_threshold,
    from new_rows

    union all

    select
        thresholds.campaign,
        splits.split,
        thresholds.threshold as probability,
        0 as row_count,
        true as is_threshold,
    from thresholds
    inner join splits on thresholds.campaign = splits.campaign
),

contacted as (
    select
        campaign,
        probability as threshold,
        is_threshold,
        sum(row_count) over from_the_top
        / cast(sum(row_count) over whole as double) as share,
    from events
    window
        whole as (partition by campaign, split),
        from_the_top as (
            partition by campaign, split
            order by probability desc
            range between unbounded preceding and current row
        )
),

most_contacted as (
    select
        campaign,
        threshold,
        max(share) as share,
    from contacted
    where is_threshold
    group by campaign, threshold
),

-- all that are contacted but the conversions that known rows let expect at least
expected as (
    select
        thresholds.campaign,
        thresholds.threshold,
        (
            most_contacted.share
            - {{ prediction_bound(
                'thresholds.true_positives', 'thresholds.rows_in_split',
                'thresholds.share_of_new_rows', 'lower'
            ) }}
        ) / nullif(
            1 - thresholds.positives
            / cast(thresholds.rows_in_split as double), 0
        ) as false_alarm_rate,
    from thresholds
    inner join most_contacted
        on
            thresholds.campaign = most_contacted.campaign
            and thresholds.threshold = most_contacted.threshold
),

informed as (
    select
        curves.* exclude (promise_bound),
        greatest(curves.promise_bound, expected.false_alarm_rate)
            as promise_bound,
        -- what the threshold would make of the rows to be contacted
        rows_to_contact.row_count / cast(curves.rows_in_split as double)
            as rows_per_known_row,
    from curves
    inner join rows_to_contact on curves.campaign = rows_to_contact.campaign
    left join expected
        on
            curves.campaign = expected.campaign
            and curves.threshold = expected.threshold
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
            when 'capacity' then contacted
            when 'budget' then contacted
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
                then total_cost * rows_per_known_row <= policy_limit
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
