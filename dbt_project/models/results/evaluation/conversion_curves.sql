with counts as (
    select * from {{ ref('threshold_counts') }}
),

policies as (
    select * from {{ ref('declared_policies') }}
),

effects as (
    select * from {{ ref('threshold_effects') }}
),

-- a promise is made for so many new rows: the fewest that are tested or scored
new_rows as (
    select
        campaign,
        split,
        count(*) as new_rows,
    from {{ ref('all_scores') }}
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

measure_rows as (
    select
        counts.campaign,
        counts.split,
        counts.threshold,
        counts.contacted_row_count as contacted,
        counts.contacted_converted as true_positives,
        counts.contacted_row_count - counts.contacted_converted
            as false_positives,
        counts.positives,
        counts.rows_in_split,
        counts.contacted_converted
        / nullif(cast(counts.contacted_row_count as double), 0) as precision,
        counts.contacted_converted
        / nullif(cast(counts.positives as double), 0) as recall,
        2 * counts.contacted_converted
        / cast(counts.contacted_row_count + counts.positives as double) as f1,
        (counts.contacted_row_count - counts.contacted_converted)
        / nullif(
            cast(counts.rows_in_split - counts.positives as double), 0
        ) as false_alarm_rate,
        {{ money('counts.known_cost') }} as known_cost,
        {{ money('counts.known_value') }} as known_value,
        case
            when counts.contacted_without_cost = 0
                then {{ money('counts.known_cost') }}
        end as total_cost,
        case
            when
                counts.contacted_without_cost + counts.contacted_without_value
                = 0
                then {{ money('counts.known_value - counts.known_cost') }}
        end as expected_profit,
        policies.policy,
        policies.policy_limit,
        promised_for.new_rows
        / (promised_for.new_rows + counts.rows_in_split) as share_of_new_rows,
        -- a probability of converters alone has none of its own
        case when counts.split = 'train' then coalesce(
            effects.design_effect,
            max(effects.design_effect) over (partition by counts.campaign),
            1
        ) end as design_effect,
    from counts
    inner join policies using (campaign)
    left join promised_for using (campaign)
    left join effects
        on
            counts.campaign = effects.campaign
            and counts.threshold = effects.threshold
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
