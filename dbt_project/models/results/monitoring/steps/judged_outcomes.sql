-- Expected and realised conversions of each campaign's newest contacts
--
-- weeks with this share of known outcomes or more are compared; with fewer, those known
-- first may be the converters
{% set enough_known = '0.5e0' %}
-- so many conversions, expected or realised, are enough to judge by
{% set enough_conversions = 10 %}
-- so far off, realised conversions are more than one would live with
{% set far_off = '1.25e0' %}

with champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

performance as (
    select * from {{ ref('realised_performance') }}
),

track_record as (
    select
        *,
        row_number() over (
            partition by campaign order by week_start desc
        ) as weeks_back,
    from {{ ref('track_record') }}
    where known_count >= {{ enough_known }} * contact_count
),

-- the newest week, and the newest two together, whichever models chose the contacts
newest_weeks as (
    select
        track_record.campaign,
        spans.week_count,
        min(track_record.week_start) as contacted_since,
        sum(track_record.known_count) as known_count,
        sum(track_record.expected_conversions) as expected,
        sum(track_record.realised_conversions) as realised,
        -- a customer is contacted by one row
        1 as design_effect,
        bool_and(track_record.is_within is not null) as is_complete,
    from track_record
    inner join (values (1), (2)) as spans (week_count)
        on track_record.weeks_back <= spans.week_count
    group by track_record.campaign, spans.week_count
),

-- where no audience has an outcome: all forecasts of the model in service
forecasts as (
    select
        performance.campaign,
        sum(performance.known_count) as known_count,
        sum(performance.expected_conversions) as expected,
        sum(performance.realised_conversions) as realised,
        coalesce(
            sum(performance.expected_conversions * performance.design_effect)
            / nullif(sum(performance.expected_conversions), 0), 1
        ) as design_effect,
    from performance
    inner join champions using (campaign, model_version)
    anti join newest_weeks using (campaign)
    group by performance.campaign
),

totals as (
    select * from newest_weeks

    union all

    select
        campaign,
        null as week_count,
        null as contacted_since,
        known_count,
        expected,
        realised,
        design_effect,
        true as is_complete,
    from forecasts
),

ratios as (
    select
        *,
        {% for side in ['lower', 'upper'] %}
        {{ poisson_bound('realised', side, 'design_effect') }}
        / nullif(expected, 0) as ratio_{{ side }},
        {% endfor %}
        realised / nullif(expected, 0) as ratio,
    from totals
),

judged_outcomes as (
    select
        * exclude (week_count, design_effect, is_complete),
        greatest(realised, expected) >= {{ enough_conversions }}
        and (ratio_lower > 1 or ratio_upper < 1) as is_off,
        is_off
        and is_complete
        and (ratio >= {{ far_off }} or ratio <= 1 / {{ far_off }})
            as is_far_off,
    from ratios
    -- two weeks say more than one, unless something changed between them
    qualify row_number() over (
        partition by campaign
        order by is_far_off desc, is_off desc, week_count desc
    ) = 1
)

select * from judged_outcomes
