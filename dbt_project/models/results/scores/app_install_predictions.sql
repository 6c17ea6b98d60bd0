-- with phone numbers: a table, because the map of identities is not published
{{ config(materialized='table' if var('with_identities') else 'view') }}

with scores as (
    select * from {{ ref('conversion_scores') }}
    where campaign = 'app_install'
),

clicks as (
    select * from {{ ref('app_install_clicks') }}
),

{% if var('with_identities') %}
identities as (
    select * from {{ ref('identity_map') }}
    where source = 'app_install'
),
{% endif %}

newest_clicks as (
    select
        clicks.customer_id,
        scores.predicted_probability,
        scores.predicted_conversion,
    from scores
    inner join clicks on scores.entity_id = clicks.click_id
    qualify row_number() over (
        partition by clicks.customer_id
        order by clicks.clicked_at desc, clicks.click_id asc
    ) = 1
),

predictions as (
    select
        {% if var('with_identities') %}
        identities.msisdn,
        {% else %}
        newest_clicks.customer_id as msisdn,
        {% endif %}
        newest_clicks.predicted_probability as probability,
        newest_clicks.predicted_conversion as result,
    from newest_clicks
    {% if var('with_identities') %}
    inner join identities using (customer_id)
    {% endif %}
)

select * from predictions
