-- fewer conversions or non-conversions say nothing of a ranking
{% set enough_of_each = 10 %}

with forecasts as (
    select * from {{ ref('conversion_forecasts') }}
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

design_effects as (
    select * from {{ ref('forecast_design_effects') }}
),

add_verdicts as (
    select
        forecasts.campaign,
        forecasts.model_version,
        forecasts.scored_on,
        forecasts.predicted_probability as probability,
        forecasts.predicted_probability >= forecasts.threshold as is_contacted,
        cast(outcomes.has_converted as integer) as outcome,
        outcomes.has_converted is not null as is_known,
    from forecasts
    left join outcomes using (campaign, entity_id)
),

-- ties share a place
group_rows as (
    select
        campaign,
        model_version,
        scored_on,
        probability,
        is_contacted,
        count(*) as row_count,
        count(*) filter (where is_known) as known_count,
        coalesce(sum(outcome), 0) as converted,
    from add_verdicts
    group by all
),

places as (
    select
        campaign,
        model_version,
        scored_on,
        probability,
        cast(sum(row_count) as double) as row_count,
        cast(sum(converted) as double) as converted,
        cast(sum(known_count - converted) as double) as not_converted,
    from group_rows
    group by all
),

-- what has a higher probability, by what is expected and by what came true
add_running_totals as (
    select
        *,
        cast(coalesce(
            {{ exact_sum('row_count * probability') }} over higher, 0
        ) as double)
            as expected_above,
        coalesce(sum(converted) over higher, 0) as converted_above,
    from places
    window higher as (
        partition by campaign, model_version, scored_on
        order by probability desc
        rows between unbounded preceding and 1 preceding
    )
),

-- pairs ranked rightly, ties counted half (Mann and Whitney 1947); of expected pairs each
-- counts by the chance that one of its rows converts and the other does not
rank_rows as (
    select
        campaign,
        model_version,
        scored_on,
        cast({{ exact_sum(
            'row_count * (1 - probability) * expected_above'
            ~ ' + row_count * (row_count - 1) / 2'
            ~ ' * probability * (1 - probability)'
        ) }} as double) / nullif(
            cast({{ exact_sum('row_count * probability') }} as double)
            * cast({{ exact_sum('row_count * (1 - probability)') }} as double)
            - cast({{ exact_sum(
                'row_count * probability * (1 - probability)'
            ) }} as double), 0
        ) as estimated_roc_auc,
        if(
            least(sum(converted), sum(not_converted)) >= {{ enough_of_each }},
            sum(not_converted * (converted_above + converted / 2))
            / (sum(converted) * sum(not_converted)),
            null
        ) as realised_roc_auc,
    from add_running_totals
    group by campaign, model_version, scored_on
),

sum_rows as (
    select
        campaign,
        model_version,
        scored_on,
        sum(row_count) as forecast_count,
        sum(known_count) as known_count,
        cast({{ exact_sum('known_count * probability') }} as double)
            as expected_conversions,
        sum(converted) as realised_conversions,
        cast({{ exact_sum('row_count * probability') }} as double)
            as all_expected,
        {% set contacted = 'filter (where is_contacted)' %}
        coalesce(sum(row_count) {{ contacted }}, 0) as contacted_count,
        cast(
            {{ exact_sum('row_count * probability') }}
            {{ contacted }} as double
        ) as contacted_expected,
        coalesce(sum(known_count) {{ contacted }}, 0) as known_contacted_count,
        cast(
            {{ exact_sum('known_count * probability') }}
            {{ contacted }} as double
        ) as known_expected,
        sum(converted) {{ contacted }} as known_converted,
    from group_rows
    group by campaign, model_version, scored_on
),

add_design_effects as (
    select
        sum_rows.*,
        coalesce(design_effects.design_effect, 1) as design_effect,
    from sum_rows
    left join design_effects using (campaign, model_version, scored_on)
),

compare as (
    select
        *,
        realised_conversions / nullif(expected_conversions, 0)
            as realised_to_expected,
        {% for side in ['lower', 'upper'] %}
        {{ poisson_bound('realised_conversions', side, 'design_effect') }}
        / nullif(expected_conversions, 0) as {{ side }},
        {% endfor %}
    from add_design_effects
),

performance as (
    select
        compare.campaign,
        compare.model_version,
        compare.scored_on,
        cast(compare.forecast_count as bigint) as forecast_count,
        cast(compare.known_count as bigint) as known_count,
        compare.expected_conversions,
        cast(compare.realised_conversions as bigint) as realised_conversions,
        compare.realised_to_expected,
        compare.lower,
        compare.upper,
        compare.design_effect,
        compare.lower <= 1 and compare.upper >= 1 as is_within,
        cast(compare.contacted_count as bigint) as contacted_count,
        cast(compare.known_contacted_count as bigint) as known_contacted_count,
        compare.known_expected / nullif(compare.known_contacted_count, 0)
            as expected_precision,
        compare.known_converted / nullif(compare.known_contacted_count, 0)
            as realised_precision,
        rank_rows.realised_roc_auc,
        compare.contacted_expected / nullif(compare.contacted_count, 0)
            as estimated_precision,
        coalesce(compare.contacted_expected, 0)
        / nullif(compare.all_expected, 0) as estimated_recall,
        2 * coalesce(compare.contacted_expected, 0)
        / nullif(compare.contacted_count + compare.all_expected, 0)
            as estimated_f1,
        rank_rows.estimated_roc_auc,
    from compare
    inner join rank_rows using (campaign, model_version, scored_on)
)

select * from performance
