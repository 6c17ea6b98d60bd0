{% set points = 1000 %}

with curves as (
    select * from {{ ref('conversion_curves') }}
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

numbered as (
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
thinned as (
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
        share_of_new_rows,
        total_cost,
        expected_profit,
        is_chosen,
    from numbered
    where
        is_chosen
        or rank in (1, in_all)
        or floor(rank * {{ points }} / in_all)
        > floor((rank - 1) * {{ points }} / in_all)
)

select * from thinned
