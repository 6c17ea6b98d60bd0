{% set sums = [
    'customers', 'converted', 'crossed', 'squared_converted', 'squared_rows'
] %}

with increments as (
    select * from {{ ref('promise_increments') }}
),

count_thresholds as (
    select
        campaign,
        policy,
        threshold,
        {% for column in sums %}
        sum({{ column }}) as {{ column }},
        {% endfor %}
        count(*) as row_count,
    from increments
    group by campaign, policy, threshold
),

sum_from_the_top as (
    select
        campaign,
        policy,
        threshold,
        {% for column in sums %}
        sum({{ column }}) over from_the_top as contacted_{{ column }},
        sum({{ column }}) over everybody as all_{{ column }},
        {% endfor %}
        sum(row_count) over from_the_top as contacted_row_count,
        sum(row_count) over everybody as all_row_count,
    from count_thresholds
    window
        everybody as (partition by campaign),
        from_the_top as (
            partition by campaign
            order by threshold desc
        )
),

choose_trials as (
    select
        campaign,
        threshold,
        cast(contacted_converted as double) as known_converted,
        cast(contacted_crossed as double) as crossed,
        cast(contacted_squared_converted as double) as squared_converted,
        if(policy = 'precision_at_least', contacted_customers, all_customers)
            as customers,
        cast(if(
            policy = 'precision_at_least', contacted_row_count, all_row_count
        ) as double) as known_rows,
        cast(if(
            policy = 'precision_at_least',
            contacted_squared_rows, all_squared_rows
        ) as double) as squared_rows,
    from sum_from_the_top
),

add_excess as (
    select
        *,
        {{ excess_of_customers() }} as excess,
        {{ pairs_of_customers() }} as pairs,
    from choose_trials
),

add_effects as (
    select
        campaign,
        threshold,
        {{ design_effect() }} as design_effect,
    from add_excess
    window whole as (partition by campaign)
)

select * from add_effects
