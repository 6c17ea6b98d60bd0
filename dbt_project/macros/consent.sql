{#
    Who must not be contacted: the one definition for the build, which draws audiences, and for the export of
    their files (`python_models/delivery/audience_files.py`), which reads the seeds again and renders this
    file with Jinja. So macros here use nothing but SQL, their arguments and `match_key`.
#}

{# Whether a person asked to be erased. #}
{% macro is_erased(requests, source, customer_id) -%}
exists (
    select 1 from {{ requests }} as requests
    where
        {{ match_key('requests.source') }} = {{ match_key(source) }}
        and {{ match_key('requests.customer_id') }} = {{ match_key(customer_id) }}
)
{%- endmacro %}

{# Consents that are valid at a time; an empty channel stands for all. #}
{% macro valid_consents(consents, valid_at) -%}
select
    {{ match_key('source') }} as source_key,
    {{ match_key('customer_id') }} as customer_key,
    nullif({{ match_key('channel') }}, '') as channel_key,
    has_consent,
    valid_from,
from {{ consents }}
where coalesce(valid_from <= {{ valid_at }}, true)
{%- endmacro %}

{#
    The latest of the `valid_consents` of each person about the channel of each audience
    (`audience_id, source_key, channel_key`); of those of one day the one that withdraws.
#}
{% macro latest_consents(audiences, valid_consents) -%}
select
    audiences.audience_id,
    consents.customer_key,
    last(
        consents.has_consent
        order by
            consents.valid_from asc nulls first,
            consents.has_consent desc nulls first
    ) as has_consent,
from {{ audiences }} as audiences
inner join {{ valid_consents }} as consents
    on
        audiences.source_key = consents.source_key
        and coalesce(
            audiences.channel_key = consents.channel_key,
            consents.channel_key is null
        )
group by audiences.audience_id, consents.customer_key
{%- endmacro %}

{# Why a person may not be contacted through a channel; null where they may. #}
{% macro consent_refusal(has_consent, consent_rule, channel) -%}
case
    when not {{ has_consent }} then 'asked not to be contacted'
    when {{ consent_rule }} = 'required' and {{ has_consent }} is null
        then 'no consent for ' || {{ channel }}
end
{%- endmacro %}
