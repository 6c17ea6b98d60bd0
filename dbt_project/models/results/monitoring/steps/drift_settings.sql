-- Windows, end of the reference, and samples (one row of each `step`)
--
-- sampled by a hash of the key; an index near its limits shows in far fewer rows
{% set sampled_rows = {'reference': 20000, 'other': 50000} %}
-- marts of this many days or fewer, and those whose rows come once a week, are compared
-- by week, the others by month
{% set days_of_weeks = 92 %}
{% set marts = drift_marts().marts %}

with scored_rows as (
    {% for mart in marts %}
    select
        '{{ mart.campaign }}' as campaign,
        {{ 'cast(mart.' ~ mart.as_of ~ ' as date)' if mart.as_of
            else 'cast(null as date)' }} as as_of_date,
        scores.has_converted,
        scores.split,
        contacted.entity_id is not null as is_contacted,
    from {{ mart.scores }} as scores
    {% if mart.as_of %}
    inner join {{ mart.relation }} as mart
        on scores.entity_id = cast(mart.{{ mart.entity }} as varchar)
    {% endif %}
    {{ join_contacted(mart) }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as date) as as_of_date,
        cast(null as boolean) as has_converted,
        cast(null as varchar) as split,
        false as is_contacted,
    where false
    {% endfor %}
),

spans as (
    select
        campaign,
        max(as_of_date) - min(as_of_date) as days,
        case
            when days is null then 'day'
            when
                days <= {{ days_of_weeks }}
                or days / nullif(count(distinct as_of_date) - 1, 0)
                between 5 and 9
                then 'week'
            else 'month'
        end as unit,
        {% for bound, day in [('min', 'first'), ('max', 'last')] %}
        {{ bound }}(as_of_date) filter (
            where split = 'train' and has_converted is not null
        ) as {{ day }}_training,
        {% endfor %}
        cast(date_trunc(
            unit, max(as_of_date) filter (where has_converted is null)
        ) as date) as newest_candidates,
        coalesce(bool_or(has_converted is null), false) as has_new_rows,
    from scored_rows
    group by campaign
),

-- the newest candidates are no part of what they are compared with
bounds as (
    select
        *,
        if(
            first_training < newest_candidates,
            least(last_training, newest_candidates - 1),
            last_training
        ) as reference_end,
    from spans
),

settings as (
    select
        bounds.campaign,
        any_value(bounds.unit) as unit,
        any_value(bounds.reference_end) as reference_end,
        any_value(bounds.has_new_rows) as has_new_rows,
        coalesce(
            scored_rows.as_of_date <= bounds.reference_end,
            scored_rows.has_converted is not null
            and (scored_rows.split = 'train' or bounds.has_new_rows)
        ) as is_reference,
        count(*) as row_count,
        bool_or(
            scored_rows.is_contacted and scored_rows.has_converted is not null
        ) as has_contacted,
    from scored_rows
    inner join bounds on scored_rows.campaign = bounds.campaign
    group by bounds.campaign, is_reference
),

prepare_rows as (
    select
        settings.campaign,
        any_value(settings.unit) as unit,
        any_value(settings.reference_end) as reference_end,
        any_value(settings.has_new_rows) as has_new_rows,
        coalesce(
            bool_or(settings.has_contacted) filter (
                where not settings.is_reference
            ), false
        ) as compares_contacted,
        {% for step, condition in [
            ('reference', 'settings.is_reference'),
            ('other', 'not settings.is_reference'),
        ] %}
        cast(
            coalesce(sum(settings.row_count) filter (where {{ condition }}), 0)
            // {{ sampled_rows[step] }} + 1 as ubigint
        ) as {{ step }}_step,
        {% endfor %}
    from settings
    group by settings.campaign
)

select * from prepare_rows
