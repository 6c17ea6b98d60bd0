-- Campaigns that declare after how many days a contact's outcome is known, or never will be
{% set windows = [] %}
{% if execute %}
{% for campaign in listed_campaigns('scores') %}
{% set declaration = graph.nodes['model.leadlight.' ~ campaign ~ '_scores'].config.meta %}
{% if declaration.outcome_days %}
{% do windows.append("('" ~ campaign ~ "', " ~ declaration.outcome_days ~ ")") %}
{% endif %}
{% endfor %}
{% endif %}

select
    campaign,
    outcome_days,
from (
    values
    {{ (windows or ["(cast(null as varchar), cast(null as integer))"]) | join(', ') }}
) as windows (campaign, outcome_days)
where campaign is not null
