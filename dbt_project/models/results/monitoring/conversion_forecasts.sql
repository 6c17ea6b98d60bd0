{{ config(
    materialized='incremental',
    full_refresh=false,
    on_schema_change='fail',
    post_hook="
        delete from {{ this }} as forecasts
        where scored_on < cast({{ selection_time() }} as date) - {{ var('kept_days') }}
        or exists (
            select 1
            from {{ ref('erasure_requests') }} as requests
            where
                {{ match_key('requests.source') }} = {{ match_key('forecasts.source') }}
                and {{ match_key('requests.customer_id') }} = {{ match_key('forecasts.customer_id') }}
        )
    ",
) }}

with scores as (
    select * from {{ ref('all_scores') }}
),

policies as (
    select * from {{ ref('conversion_policies') }}
),

champions as (
    select * from {{ ref('conversion_models') }}
    where is_champion
),

forecasts as (
    select
        scores.campaign,
        scores.entity_id,
        scores.model_version,
        champions.declaration ->> 'source' as source,
        scores.customer_id,
        cast(scores.scored_at as date) as scored_on,
        scores.predicted_probability,
        policies.threshold,
    from scores
    inner join policies using (campaign)
    inner join champions using (campaign, model_version)
    where
        scores.has_converted is null
        and scores.predicted_probability is not null
),

-- the first word counts: a later one may know more
{% if is_incremental() %}
added as (
    select forecasts.*
    from forecasts
    anti join {{ this }} as earlier
        on
            forecasts.campaign = earlier.campaign
            and forecasts.entity_id = earlier.entity_id
            and forecasts.model_version = earlier.model_version
)

select * from added
{% else %}
added as (
    select * from forecasts
)

select * from added
{% endif %}
