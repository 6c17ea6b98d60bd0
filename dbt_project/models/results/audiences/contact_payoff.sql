-- errors of a two-sided test at 5 % that finds four of five effects of this size
{% set power = '(1.959964e0 + 0.8416212e0) / 1.959964e0' %}
-- longer, nobody would wait
{% set most_weeks = 520 %}

with newest as (
    select * from {{ ref('lift_so_far') }}
    qualify
        row_number() over (partition by campaign order by week_start desc) = 1
),

-- profit where money is declared, else conversions
choose_amount as (
    select
        *,
        incremental_profit is not null as has_money,
        coalesce(incremental_profit, incremental_conversions) as amount,
        coalesce(incremental_profit_lower, incremental_conversions_lower)
            as amount_lower,
        coalesce(incremental_profit_upper, incremental_conversions_upper)
            as amount_upper,
    from newest
),

-- amounts grow with the weeks, their intervals with the square root of the weeks
estimate_weeks as (
    select
        *,
        ceil(
            week_count * pow(
                {{ power }} * (amount_upper - amount_lower) / 2
                / nullif(abs(amount), 0), 2
            )
        ) - week_count as further_weeks,
    from choose_amount
),

add_verdict as (
    select
        campaign,
        cast(week_count as bigint) as week_count,
        cast(contact_count as bigint) as contact_count,
        cast(holdout_count as bigint) as holdout_count,
        lift,
        lift_lower,
        lift_upper,
        incremental_conversions,
        incremental_conversions_lower,
        incremental_conversions_upper,
        {% for amount in [
            'gross_profit', 'incremental_profit',
            'incremental_profit_lower', 'incremental_profit_upper'
        ] %}
        {{ money(amount) }} as {{ amount }},
        {% endfor %}
        case
            when amount is null then 'not measured'
            when amount_lower > 0
                then if(has_money, 'pays', 'raises conversions')
            when amount_upper < 0
                then if(has_money, 'loses money', 'lowers conversions')
            else 'not known yet'
        end as verdict,
        case
            when verdict = 'not known yet' and further_weeks <= {{ most_weeks }}
                then cast(greatest(further_weeks, 1) as bigint)
        end as further_weeks,
    from estimate_weeks
)

select * from add_verdict
