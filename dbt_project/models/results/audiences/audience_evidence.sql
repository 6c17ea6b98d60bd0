with chosen as (
    select * from {{ ref('policy_choices') }}
    where has_converted is not null
),

-- a rehearsal knows the training rows only; an audience the test rows too
purposes as (
    select
        'rehearsal' as purpose,
        'evidence' as known_by

    union all

    select
        'contact' as purpose,
        'evidence' as known_by

    union all

    select
        'contact' as purpose,
        'rehearsal' as known_by
),

-- out of fold each fold is predicted by another model, test rows by their mean
parts as (
    select
        chosen.campaign,
        purposes.purpose,
        case
            when chosen.split = 'test' then -1
            else {{ hash_bucket("'fold ' || chosen.customer_id", 5) }}
        end as part,
        sum(chosen.predicted_probability) as expected,
        sum(
            chosen.predicted_probability * (1 - chosen.predicted_probability)
        ) as variance,
        count(*) filter (where chosen.has_converted) as converted,
    from chosen
    inner join purposes on chosen.purpose = purposes.known_by
    group by all
),

added as (
    select
        campaign,
        purpose,
        count(*) as part_count,
        sum(expected) as expected_conversions,
        cast(sum(converted) as bigint) as conversions,
        sum(variance) as chance,
        sum((converted - expected) * (converted - expected)) as errors_squared,
        greatest(part_count - 1, 1) as degrees_of_freedom,
        -- Student's t by way of the beta distribution
        beta_quantile(0.05, degrees_of_freedom / 2.0, 0.5) as tail,
        degrees_of_freedom * (1 - tail) / tail / 3.84145882 as widening,
    from parts
    group by campaign, purpose
),

-- errors of parts each for itself, an error that all share, or chance alone
measure_rows as (
    select
        campaign,
        purpose,
        part_count,
        expected_conversions,
        conversions,
        greatest(
            errors_squared * widening,
            (conversions - expected_conversions)
            * (conversions - expected_conversions),
            chance
        ) / (expected_conversions * expected_conversions) as relative_variance,
    from added
)

select * from measure_rows
