-- Campaigns that declare after how many days an outcome is known, or never will be
{% set windows = [] %}
{% if execute %}
{% for campaign in listed_campaigns('scores') %}
{% set node = graph.nodes['model.leadlight.' ~ campaign ~ '_scores'] %}
{% set days = node.config.meta.outcome_days %}
{% if days %}
{% do windows.append({'campaign': campaign, 'days': days}) %}
{% endif %}
{% endfor %}
{% endif %}

with outcome_windows as (
    {% for window in windows %}
    select
        '{{ window.campaign }}' as campaign,
        {{ window.days }} as outcome_days,
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% if not windows %}
    select
        cast(null as varchar) as campaign,
        cast(null as integer) as outcome_days,
    where false
    {% endif %}
)

select * from outcome_windows
