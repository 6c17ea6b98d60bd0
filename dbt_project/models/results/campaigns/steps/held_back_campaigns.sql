-- Campaigns that draw no new audience, and the first reason that applies
with newest as (
    select * from {{ ref('conversion_models') }}
    where is_newest
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

-- audiences are drawn on DuckDB only, and so drift is measured there only
drifted_scores as (
    {% if target.type == 'duckdb' %}
    select
        campaign,
        {{ drift_reason() }} as drift_reason,
    from {{ ref('newest_drift') }}
    where score_status = 'drifted'
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as varchar) as drift_reason,
    where false
    {% endif %}
),

add_first_reason as (
    select
        newest.campaign,
        case
            when champions.campaign is null
                then
                    'no model is in service. '
                    || coalesce(newest.refused_reason, '')
                    || if(
                        {{ needs_decision('newest.refused_reason') }},
                        '',
                        ' Add rows with an outcome, or mend what the reason '
                        || 'names.'
                    )
            when not policies.is_promise_kept
                then
                    'the limit of decide_by is not kept. '
                    || policies.promise_note
                    || ' Declare a limit that can be promised, or wait for '
                    || 'more outcomes.'
            else drifted_scores.drift_reason
        end as reason,
    from newest
    left join champions on newest.campaign = champions.campaign
    left join policies on newest.campaign = policies.campaign
    left join drifted_scores on newest.campaign = drifted_scores.campaign
    -- nobody may be targeted by a variant
    where newest.declaration ->> 'variant_of' is null
),

add_campaign_to_reason as (
    select
        campaign,
        'Campaign ' || campaign || ' draws no new audience: ' || reason
            as held_back_reason,
    from add_first_reason
    where reason is not null
)

select * from add_campaign_to_reason
