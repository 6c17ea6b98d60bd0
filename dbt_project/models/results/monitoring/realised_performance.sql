-- fewer conversions or non-conversions say nothing of a ranking
{% set enough_of_each = 10 %}

with forecasts as (
    select * from {{ ref('conversion_forecasts') }}
),

outcomes as (
    select * from {{ ref('all_scores') }}
),

judged as (
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
grouped as (
    select
        campaign,
        model_version,
        scored_on,
        probability,
        is_contacted,
        count(*) as row_count,
        count(*) filter (where is_known) as known_count,
        coalesce(sum(outcome), 0) as converted,
    from judged
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
    from grouped
    group by all
),

-- what has a higher probability, by what is expected and by what came true
cumulated as (
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
ranked as (
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
    from cumulated
    group by campaign, model_version, scored_on
),

summed as (
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
    from grouped
    group by campaign, model_version, scored_on
),

compared as (
    select
        *,
        realised_conversions / nullif(expected_conversions, 0)
            as realised_to_expected,
        {% for side in ['lower', 'upper'] %}
        {{ poisson_bound('realised_conversions', side) }}
        / nullif(expected_conversions, 0) as {{ side }},
        {% endfor %}
    from summed
),

performance as (
    select
        compared.campaign,
        compared.model_version,
        compared.scored_on,
        cast(compared.forecast_count as bigint) as forecast_count,
        cast(compared.known_count as bigint) as known_count,
        compared.expected_conversions,
        cast(compared.realised_conversions as bigint) as realised_conversions,
        compared.realised_to_expected,
        compared.lower,
        compared.upper,
        compared.lower <= 1 and compared.upper >= 1 as is_within,
        cast(compared.contacted_count as bigint) as contacted_count,
        cast(compared.known_contacted_count as bigint) as known_contacted_count,
        compared.known_expected / nullif(compared.known_contacted_count, 0)
            as expected_precision,
        compared.known_converted / nullif(compared.known_contacted_count, 0)
            as realised_precision,
        ranked.realised_roc_auc,
        compared.contacted_expected / nullif(compared.contacted_count, 0)
            as estimated_precision,
        coalesce(compared.contacted_expected, 0)
        / nullif(compared.all_expected, 0) as estimated_recall,
        2 * coalesce(compared.contacted_expected, 0)
        / nullif(compared.contacted_count + compared.all_expected, 0)
            as estimated_f1,
        ranked.estimated_roc_auc,
    from compared
    inner join ranked using (campaign, model_version, scored_on)
)

select * from performance
