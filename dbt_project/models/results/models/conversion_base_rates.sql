with scores as (
    select * from {{ ref('all_scores') }}
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

customers as (
    select
        campaign,
        split,
        customer_id,
        count(*) as row_count,
        count(*) filter (where has_converted) as converted,
    from scores
    where predicted_probability is not null and has_converted is not null
    group by campaign, split, customer_id
),

outcomes as (
    {{ clustered_counts(
        'customers', ['campaign', 'split'], ['campaign']
    ) }}
),

count_rows as (
    select
        campaign,
        split,
        count(*) as row_count,
        avg(predicted_probability) as mean_predicted,
        count(has_converted) as known_count,
        count(*) filter (where has_converted) as converted,
        avg(predicted_probability) filter (where has_converted is not null)
            as mean_predicted_of_known,
    from scores
    where predicted_probability is not null
    group by campaign, split
),

compare_groups as (
    select
        count_rows.campaign,
        count_rows.split,
        count_rows.row_count,
        champions.training_base_rate,
        -- only rows with an unknown outcome have another one
        if(
            count_rows.known_count = 0,
            champions.assumed_base_rate, champions.training_base_rate
        ) as assumed_base_rate,
        if(
            count_rows.known_count = 0,
            champions.assumed_because,
            'as in training'
        )
            as assumed_because,
        count_rows.mean_predicted,
        count_rows.converted
        / nullif(cast(count_rows.known_count as double), 0) as observed_rate,
        {{ wilson_bound(
            'outcomes.converted', 'outcomes.row_count', -1,
            'outcomes.design_effect'
        ) }} as lower,
        {{ wilson_bound(
            'outcomes.converted', 'outcomes.row_count', 1,
            'outcomes.design_effect'
        ) }} as upper,
        count_rows.mean_predicted_of_known
        / nullif(
            count_rows.converted / cast(count_rows.known_count as double), 0
        ) as expected_to_observed,
    from count_rows
    inner join champions using (campaign)
    left join outcomes using (campaign, split)
)

select * from compare_groups
