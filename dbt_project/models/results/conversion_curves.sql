with judged_scores as (
    select * from {{ ref('judged_scores') }}
),

policies as (
    select
        campaign,
        declaration ->> 'policy' as policy,
        cast(declaration ->> 'policy_limit' as double) as policy_limit,
        cast(declaration ->> 'contact_cost' as double) as contact_cost,
        cast(declaration ->> 'conversion_value' as double) as conversion_value,
    from {{ ref('conversion_models') }}
    where is_newest
),

-- only out-of-fold rows may choose: test rows are looked at, never learned from
thresholds as (
    select distinct
        campaign,
        predicted_probability as threshold,
    from judged_scores
    where split = 'train'

    union

    select
        campaign,
        policy_limit as threshold,
    from policies
    where policy = 'fixed'
),

splits as (
    select distinct
        campaign,
        split,
    from judged_scores
),

events as (
    select
        campaign,
        split,
        predicted_probability as probability,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
        false as is_threshold,
    from judged_scores
    group by campaign, split, predicted_probability

    union all

    select
        thresholds.campaign,
        splits.split,
        thresholds.threshold as probability,
        0 as row_count,
        0 as converted,
        true as is_threshold,
    from thresholds
    inner join splits using (campaign)
),

counted as (
    select
        *,
        sum(row_count) over from_the_top as contacted,
        sum(converted) over from_the_top as true_positives,
        sum(row_count) over (partition by campaign, split) as rows_in_split,
        sum(converted) over (partition by campaign, split) as positives,
    from events
    -- peers count together: a threshold contacts every row at or above it
    window from_the_top as (
        partition by campaign, split
        order by probability desc
        range between unbounded preceding and current row
    )
),

measured as (
    select
        counted.campaign,
        counted.split,
        counted.probability as threshold,
        cast(counted.contacted as bigint) as contacted,
        cast(counted.true_positives as bigint) as true_positives,
        cast(counted.contacted - counted.true_positives as bigint)
            as false_positives,
        cast(counted.positives as bigint) as positives,
        cast(counted.rows_in_split as bigint) as rows_in_split,
        counted.true_positives / nullif(cast(counted.contacted as double), 0)
            as precision,
        counted.true_positives / nullif(cast(counted.positives as double), 0)
            as recall,
        2 * counted.true_positives
        / cast(counted.contacted + counted.positives as double) as f1,
        (counted.contacted - counted.true_positives)
        / nullif(
            cast(counted.rows_in_split - counted.positives as double), 0
        ) as false_alarm_rate,
        counted.true_positives * policies.conversion_value
        - counted.contacted * policies.contact_cost as expected_profit,
        policies.policy,
        policies.policy_limit,
    from counted
    inner join policies using (campaign)
    where counted.is_threshold
)

select * from measured
