{% set points = 1000 %}

with curves as (
    select * from {{ ref('conversion_curves') }}
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

scores as (
    select * from {{ ref('all_scores') }}
),

number_rows as (
    select
        curves.*,
        policies.threshold = curves.threshold as is_chosen,
        row_number() over best_first as rank,
        count(*) over (partition by curves.campaign, curves.split) as in_all,
    from curves
    inner join policies using (campaign)
    window best_first as (
        partition by curves.campaign, curves.split
        order by curves.threshold desc
    )
),

-- every threshold where there are few, evenly picked ones where there are many
thin_rows as (
    select
        campaign,
        split,
        threshold,
        contacted,
        true_positives,
        false_positives,
        precision,
        recall,
        f1,
        false_alarm_rate,
        false_positives / nullif(cast(true_positives as double), 0)
            as false_alarms_per_conversion,
        promise_bound,
        total_cost,
        expected_profit,
        is_chosen,
    from number_rows
    where
        is_chosen
        or rank in (1, in_all)
        or floor(rank * {{ points }} / in_all)
        > floor((rank - 1) * {{ points }} / in_all)
),

-- rows without an outcome among the thresholds, so that one sum counts them
mark_rows as (
    select
        campaign,
        threshold,
        0 as waiting,
    from thin_rows

    union all

    select
        campaign,
        predicted_probability as threshold,
        1 as waiting,
    from scores
    where split = 'score'
),

waiting_counts as (
    select distinct
        campaign,
        threshold,
        cast(sum(waiting) over (
            partition by campaign
            order by threshold desc
            range between unbounded preceding and current row
        ) as bigint) as waiting_count,
    from mark_rows
),

with_waiting as (
    select
        thin_rows.*,
        waiting_counts.waiting_count,
    from thin_rows
    inner join waiting_counts using (campaign, threshold)
)

select * from with_waiting
