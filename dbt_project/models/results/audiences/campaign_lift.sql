with members as (
    select * from {{ ref('audience_contacts') }}
    where purpose = 'contact' and (is_contacted or is_holdout)
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

-- held out and contacted are ranked together: who is in a tenth is no matter of chance
rank_rows as (
    select
        members.audience_id,
        members.campaign,
        members.is_holdout,
        outcomes.has_converted,
        ntile(10) over (
            partition by members.audience_id
            order by members.predicted_probability desc, members.entity_id asc
        ) as tenth,
    from members
    left join outcomes
        on
            members.campaign = outcomes.campaign
            and members.entity_id = outcomes.entity_id
),

-- decile 0 is the whole audience
list_rows as (
    select
        *,
        unnest([0, tenth]) as decile,
    from rank_rows
),

count_rows as (
    select
        audience_id,
        campaign,
        decile,
        count(has_converted) as known_count,
        {% for group, condition in [
            ('contacted', 'not is_holdout'), ('holdout', 'is_holdout')
        ] %}
        count(has_converted) filter (where {{ condition }})
            as {{ group }}_count,
        count(*) filter (where {{ condition }} and has_converted)
            as {{ group }}_conversions,
        {% endfor %}
        count(*) filter (where is_holdout) as held_out,
    from list_rows
    group by audience_id, campaign, decile
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
    from count_rows
),

-- Newcombe 1998, method 10
compare_groups as (
    select
        *,
        contacted_rate - holdout_rate as lift_difference,
        lift_difference - sqrt(
            (contacted_rate - contacted_lower)
            * (contacted_rate - contacted_lower)
            + (holdout_upper - holdout_rate) * (holdout_upper - holdout_rate)
        ) as difference_lower,
        lift_difference + sqrt(
            (contacted_upper - contacted_rate)
            * (contacted_upper - contacted_rate)
            + (holdout_rate - holdout_lower) * (holdout_rate - holdout_lower)
        ) as difference_upper,
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
