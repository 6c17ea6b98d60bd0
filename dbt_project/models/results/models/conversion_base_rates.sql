with scores as (
    select * from {{ ref('all_scores') }}
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

counted as (
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

compared as (
    select
        counted.campaign,
        counted.split,
        counted.row_count,
        champions.training_base_rate,
        -- only rows with an unknown outcome have another one
        if(
            counted.known_count = 0,
            champions.assumed_base_rate, champions.training_base_rate
        ) as assumed_base_rate,
        if(counted.known_count = 0, champions.assumed_because, 'as in training')
            as assumed_because,
        counted.mean_predicted,
        counted.converted
        / nullif(cast(counted.known_count as double), 0) as observed_rate,
        {{ wilson_bound('counted.converted', 'counted.known_count', -1) }}
            as lower,
        {{ wilson_bound('counted.converted', 'counted.known_count', 1) }}
            as upper,
        counted.mean_predicted_of_known
        / nullif(
            counted.converted / cast(counted.known_count as double), 0
        ) as expected_to_observed,
    from counted
    inner join champions using (campaign)
)

select * from compared
