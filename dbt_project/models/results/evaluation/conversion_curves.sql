with judged_scores as (
    select * from {{ ref('judged_scores') }}
),

policies as (
    select
        campaign,
        declaration ->> 'policy' as policy,
        cast(declaration ->> 'policy_limit' as double) as policy_limit,
    from {{ ref('conversion_models') }}
    where is_newest
),

effects as (
    select * from {{ ref('threshold_effects') }}
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

-- a promise is made for so many new rows: the fewest that are tested or scored
outcomes as (
    select * from {{ ref('all_scores') }}
),

new_rows as (
    select
        campaign,
        split,
        count(*) as new_rows,
    from outcomes
    where split != 'train'
    group by campaign, split
),

promised_for as (
    select
        campaign,
        cast(min(new_rows) as double) as new_rows,
    from new_rows
    group by campaign
),

events as (
    select
        campaign,
        split,
        predicted_probability as probability,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
        {{ exact_sum('contact_cost') }} as contact_cost,
        coalesce(
            {{ exact_sum('conversion_value') }} filter (where has_converted),
            0 * {{ exact_sum('conversion_value') }}
        ) as conversion_value,
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
        cast(null as decimal(38, 12)) as contact_cost,
        cast(null as decimal(38, 12)) as conversion_value,
        true as is_threshold,
    from thresholds
    inner join splits using (campaign)
),

add_up as (
    select
        *,
        sum(row_count) over from_the_top as contacted,
        sum(converted) over from_the_top as true_positives,
        cast(sum(contact_cost) over from_the_top as double) as total_cost,
        cast(sum(conversion_value) over from_the_top as double) as total_value,
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

measure_rows as (
    select
        add_up.campaign,
        add_up.split,
        add_up.probability as threshold,
        cast(add_up.contacted as bigint) as contacted,
        cast(add_up.true_positives as bigint) as true_positives,
        cast(add_up.contacted - add_up.true_positives as bigint)
            as false_positives,
        cast(add_up.positives as bigint) as positives,
        cast(add_up.rows_in_split as bigint) as rows_in_split,
        add_up.true_positives / nullif(cast(add_up.contacted as double), 0)
            as precision,
        add_up.true_positives / nullif(cast(add_up.positives as double), 0)
            as recall,
        2 * add_up.true_positives
        / cast(add_up.contacted + add_up.positives as double) as f1,
        (add_up.contacted - add_up.true_positives)
        / nullif(
            cast(add_up.rows_in_split - add_up.positives as double), 0
        ) as false_alarm_rate,
        add_up.total_cost,
        add_up.total_value - add_up.total_cost as expected_profit,
        policies.policy,
        policies.policy_limit,
        promised_for.new_rows
        / (promised_for.new_rows + add_up.rows_in_split) as share_of_new_rows,
        -- a probability of converters alone has none of its own
        case when add_up.split = 'train' then coalesce(
            effects.design_effect,
            max(effects.design_effect) over (partition by add_up.campaign),
            1
        ) end as design_effect,
    from add_up
    inner join policies using (campaign)
    left join promised_for using (campaign)
    left join effects
        on
            add_up.campaign = effects.campaign
            and add_up.probability = effects.threshold
    where add_up.is_threshold
),

add_bounds as (
    select
        *,
        case
            when split != 'train' then null
            when policy = 'false_alarms_at_most'
                then {{ prediction_bound(
                    'false_positives / design_effect',
                    '(rows_in_split - positives) / design_effect',
                    'share_of_new_rows', 'upper'
                ) }}
            when policy = 'precision_at_least'
                then {{ prediction_bound(
                    'true_positives / design_effect',
                    'contacted / design_effect',
                    'share_of_new_rows', 'lower'
                ) }}
        end as promise_bound,
    from measure_rows
)

select * from add_bounds
