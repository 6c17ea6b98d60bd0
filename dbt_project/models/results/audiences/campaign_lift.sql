with counts as (
    select * from {{ ref('lift_counts') }}
),

rates as (
    select
        *,
        max(held_out) over (partition by audience_id) as audience_held_out,
        {% for group in ['contacted', 'holdout'] %}
        {{ group }}_conversions / nullif({{ group }}_count, 0)
            as {{ group }}_rate,
        {{ wilson_bound(group ~ '_conversions', group ~ '_count', -1) }}
            as {{ group }}_lower,
        {{ wilson_bound(group ~ '_conversions', group ~ '_count', 1) }}
            as {{ group }}_upper,
        {% endfor %}
        (contacted_conversions + holdout_conversions)
        / nullif(known_count, 0) as known_rate,
    from counts
),

compare_groups as (
    select
        *,
        contacted_rate - holdout_rate as lift_difference,
        {% for side in ['lower', 'upper'] %}
        {{ newcombe_bound('lift_difference', 'contacted', 'holdout', side) }}
            as difference_{{ side }},
        {% endfor %}
        lift_difference / nullif(sqrt(
            known_rate * (1 - known_rate)
            * (1 / contacted_count + 1 / holdout_count)
        ), 0) as z,
    from rates
    where audience_held_out > 0
),

add_lift as (
    select
        audience_id,
        cast(decile as integer) as decile,
        campaign,
        known_count,
        contacted_count,
        contacted_conversions,
        contacted_rate,
        holdout_count,
        holdout_conversions,
        holdout_rate,
        lift_difference,
        difference_lower,
        difference_upper,
        lift_difference * contacted_count as incremental_conversions,
        difference_lower * contacted_count as lower,
        difference_upper * contacted_count as upper,
        -- of a tenth few convert, and the tail of z is too heavy
        case
            when decile = 0 then normal_p_value(z)
            when z is not null
                then exact_p_value(
                    contacted_conversions,
                    contacted_count,
                    contacted_conversions + holdout_conversions,
                    known_count
                )
        end as p_value,
    from compare_groups
),

-- the whole audience is a test of its own, its tenths are ten
adjust_for_tenths as (
    {{ adjust_p_values(
        'add_lift', ['audience_id', 'decile > 0'], 'holm', 'adjusted_p_value'
    ) }}
),

drop_places as (
    select * exclude (place, comparisons),
    from adjust_for_tenths
)

select * from drop_places
