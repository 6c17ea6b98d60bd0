with scores as (
    select * from {{ ref('judged_scores') }}
),

bins as (
    select
        campaign,
        split,
        11 - decile as bin,
        avg(predicted_probability) as mean_predicted,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
    from scores
    group by campaign, split, decile
),

compare_groups as (
    select
        campaign,
        split,
        bin,
        mean_predicted,
        converted / cast(row_count as double) as observed_rate,
        {{ wilson_bound('converted', 'row_count', -1) }} as lower,
        {{ wilson_bound('converted', 'row_count', 1) }} as upper,
        row_count,
    from bins
)

select * from compare_groups
