with scores as (
    {{ union_campaigns('scores') }}
),

judged_scores as (
    select
        campaign,
        split,
        predicted_probability,
        has_converted,
    from scores
    where has_converted is not null
        and predicted_probability is not null
        and split in ('train', 'test')
),

policies as (
    select
        campaign,
        declaration ->> 'policy' as policy,
        cast(declaration ->> 'policy_limit' as double) as policy_limit,
        cast(declaration ->> 'contact_cost' as double) as contact_cost,
        cast(declaration ->> 'conversion_value' as double) as conversion_value,
    from {{ ref('conversion_models') }}
    where is_champion
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
        cast(contacted as bigint) as contacted,
        cast(true_positives as bigint) as true_positives,
        cast(contacted - true_positives as bigint) as false_positives,
        cast(positives as bigint) as positives,
        cast(rows_in_split as bigint) as rows_in_split,
        case when contacted > 0 then true_positives / cast(contacted as double) end
            as precision,
        true_positives / nullif(cast(positives as double), 0) as recall,
        2 * true_positives / cast(contacted + positives as double) as f1,
        (contacted - true_positives)
            / nullif(cast(rows_in_split - positives as double), 0)
            as false_alarm_rate,
        true_positives * policies.conversion_value
            - contacted * policies.contact_cost as expected_profit,
        policies.policy,
        policies.policy_limit,
    from counted
    inner join policies using (campaign)
    where is_threshold
)

select * from measured
