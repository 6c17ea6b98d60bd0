-- Per campaign: how long a window is, how many rows are sampled (one of each `step`), and
-- how far the model moves the odds of rows without an outcome to another base rate,
-- which is not drift
--
-- about this many training and other rows of a campaign are sampled, by a hash of the
-- key; an index near its limits shows in far fewer
{% set sampled_rows = {'training': 20000, 'other': 50000} %}
-- marts of this many days or fewer are compared by week, the others by month
{% set days_of_weeks = 92 %}
{% set marts = drift_marts().marts %}

with champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

settings as (
    {% for mart in marts %}
    select
        '{{ mart.campaign }}' as campaign,
        {% if mart.as_of %}
        (
            select
                if(
                    max(cast({{ mart.as_of }} as date))
                    - min(cast({{ mart.as_of }} as date))
                    <= {{ days_of_weeks }},
                    'week',
                    'month'
                )
            from {{ mart.relation }}
        ) as unit,
        {% else %}
        'day' as unit,
        {% endif %}
        cast(
            count(*) filter (where split = 'train')
            // {{ sampled_rows.training }} + 1 as ubigint
        ) as training_step,
        cast(
            count(*) filter (where split != 'train')
            // {{ sampled_rows.other }} + 1 as ubigint
        ) as other_step,
        coalesce(bool_or(has_converted is null), false) as has_new_rows,
    from {{ mart.scores }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as varchar) as unit,
        cast(null as ubigint) as training_step,
        cast(null as ubigint) as other_step,
        cast(null as boolean) as has_new_rows,
    where false
    {% endfor %}
),

prepared as (
    select
        settings.*,
        exp(coalesce(cast(champions.model_body ->> 'shift' as double), 0))
            as moved_odds,
    from settings
    left join champions using (campaign)
)

select * from prepared
