{{ config(materialized='view') }}

with chosen as (
    select * from {{ ref('policy_choices') }}
),

terms as (
    select * from {{ ref('audience_terms') }}
    where coalesce(week_start, {{ this_week() }}) = {{ this_week() }}
),

consents as (
    select * from {{ ref('consents') }}
    where coalesce(valid_from <= {{ selection_time() }}, true)
),

recent_contacts as (
    select * from {{ ref('recent_contacts') }}
),

channels as (
    select * from {{ ref('channels') }}
),

-- the latest word counts; of one day's, the one that withdraws
latest_consents as (
    select
        terms.audience_id,
        consents.customer_id,
        last(
            consents.has_consent
            order by
                consents.valid_from asc nulls first, consents.has_consent desc
        ) as has_consent,
    from terms
    inner join consents
        on
            terms.source = consents.source
            and coalesce(
                terms.channel = consents.channel, consents.channel is null
            )
    group by terms.audience_id, consents.customer_id
),

latest_contacts as (
    select
        terms.audience_id,
        recent_contacts.customer_id,
        max(recent_contacts.contacted_on) as contacted_on,
    from terms
    inner join recent_contacts
        on
            terms.source = recent_contacts.source
            and coalesce(recent_contacts.channel, terms.channel) = terms.channel
    group by terms.audience_id, recent_contacts.customer_id
),

judged as (
    select
        terms.audience_id,
        terms.campaign,
        terms.purpose,
        terms.source,
        terms.channel,
        chosen.entity_id,
        chosen.customer_id,
        chosen.priority,
        chosen.predicted_probability,
        chosen.decile,
        chosen.contact_cost,
        chosen.conversion_value,
        chosen.expected_profit,
        chosen.model_version,
        terms.threshold_policy,
        terms.policy_limit,
        terms.holdout_share,
        channels.rest_days,
        channels.contacts_a_week,
        latest_contacts.contacted_on,
        case
            when terms.purpose = 'rehearsal' then null
            when not latest_consents.has_consent
                then 'asked not to be contacted'
            when
                channels.consent_rule = 'required'
                and latest_consents.has_consent is null
                then 'no consent for ' || terms.channel
        end as refusal,
    from chosen
    inner join terms
        on
            chosen.campaign = terms.campaign
            and chosen.purpose = terms.purpose
    left join channels on terms.channel = channels.channel
    left join latest_consents
        on
            terms.audience_id = latest_consents.audience_id
            and chosen.customer_id = latest_consents.customer_id
    left join latest_contacts
        on
            terms.audience_id = latest_contacts.audience_id
            and chosen.customer_id = latest_contacts.customer_id
)

select * from judged
