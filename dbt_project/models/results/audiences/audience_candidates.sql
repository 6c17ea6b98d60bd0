{{ config(materialized='view') }}

with chosen as (
    select
        *,
        {{ match_key('customer_id') }} as customer_key,
    from {{ ref('usable_choices') }}
    where left_out_as is null
),

terms as (
    select
        *,
        {{ match_key('source') }} as source_key,
        {{ match_key('channel') }} as channel_key,
    from {{ ref('audience_terms') }}
    where coalesce(week_start, {{ this_week() }}) = {{ this_week() }}
),

held_back as (
    select * from {{ ref('held_back_campaigns') }}
),

valid_consents as (
    {{ valid_consents(ref('consents'), selection_time()) }}
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

latest_consents as (
    {{ latest_consents('terms', 'valid_consents') }}
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

add_verdicts as (
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
            when terms.purpose != 'rehearsal' then {{ consent_refusal(
                'latest_consents.has_consent',
                'channels.consent_rule',
                'terms.channel',
            ) }}
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
    left join held_back on terms.campaign = held_back.campaign
    -- who was drawn before a campaign was held back stays
    where terms.purpose = 'rehearsal' or held_back.campaign is null
)

select * from add_verdicts
