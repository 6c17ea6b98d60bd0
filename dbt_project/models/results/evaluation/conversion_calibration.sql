with scores as (
    select * from {{ ref('judged_scores') }}
),

customers as (
    select
        campaign,
        split,
        11 - decile as bin,
        customer_id,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
    from scores
    group by campaign, split, decile, customer_id
),

bins as (
    {{ clustered_counts(
        'customers', ['campaign', 'split', 'bin'], ['campaign', 'split']
    ) }}
),

predictions as (
    select
        campaign,
        split,
        11 - decile as bin,
        avg(predicted_probability) as mean_predicted,
    from scores
    group by campaign, split, decile
),

compare_groups as (
    select
        bins.campaign,
        bins.split,
        bins.bin,
        predictions.mean_predicted,
        bins.converted / cast(bins.row_count as double) as observed_rate,
        {{ wilson_bound(
            'bins.converted', 'bins.row_count', -1, 'bins.design_effect'
        ) }} as lower,
        {{ wilson_bound(
            'bins.converted', 'bins.row_count', 1, 'bins.design_effect'
        ) }} as upper,
        bins.row_count,
    from bins
    inner join predictions using (campaign, split, bin)
)

select * from compare_groups
