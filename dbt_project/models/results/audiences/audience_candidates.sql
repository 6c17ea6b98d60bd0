{{ config(materialized='view') }}

with chosen as (
    select
        *,
        {{ match_key('customer_id') }} as customer_key,
    from {{ ref('policy_choices') }}
),

terms as (
    select
        *,
        {{ match_key('source') }} as source_key,
        {{ match_key('channel') }} as channel_key,
    from {{ ref('audience_terms') }}
    where coalesce(week_start, {{ this_week() }}) = {{ this_week() }}
),

consents as (
    select
        {{ match_key('source') }} as source_key,
        {{ match_key('customer_id') }} as customer_key,
        nullif({{ match_key('channel') }}, '') as channel_key,
        has_consent,
        valid_from,
    from {{ ref('consents') }}
    where coalesce(valid_from <= {{ selection_time() }}, true)
),

recent_contacts as (
    select
        {{ match_key('source') }} as source_key,
        {{ match_key('customer_id') }} as customer_key,
        nullif({{ match_key('channel') }}, '') as channel_key,
        contacted_on,
    from {{ ref('recent_contacts') }}
),

channels as (
    select * from {{ ref('channels') }}
),

-- the latest word counts; of one day's, the one that withdraws
latest_consents as (
    select
        terms.audience_id,
        consents.customer_key,
        last(
            consents.has_consent
            order by
                consents.valid_from asc nulls first, consents.has_consent desc
        ) as has_consent,
    from terms
    inner join consents
        on
            terms.source_key = consents.source_key
            and coalesce(
                terms.channel_key = consents.channel_key,
                consents.channel_key is null
            )
    group by terms.audience_id, consents.customer_key
),

latest_contacts as (
    select
        terms.audience_id,
        recent_contacts.customer_key,
        max(recent_contacts.contacted_on) as contacted_on,
    from terms
    inner join recent_contacts
        on
            terms.source_key = recent_contacts.source_key
            and coalesce(recent_contacts.channel_key, terms.channel_key)
            = terms.channel_key
    group by terms.audience_id, recent_contacts.customer_key
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
            and chosen.customer_key = latest_consents.customer_key
    left join latest_contacts
        on
            terms.audience_id = latest_contacts.audience_id
            and chosen.customer_key = latest_contacts.customer_key
)

select * from judged
