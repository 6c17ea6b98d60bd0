-- a higher threshold never contacts more rows, nor finds more conversions
with order_rows as (
    select
        *,
        lag(contacted) over by_threshold as lower_contacted,
        lag(true_positives) over by_threshold as lower_true_positives,
    from {{ ref('conversion_thresholds') }}
    window by_threshold as (
        partition by campaign, split
        order by threshold
    )
)

select * from order_rows
where
    contacted > lower_contacted
    or true_positives > lower_true_positives
    or contacted != true_positives + false_positives
