{% set audits = [] %}
{% for mart in all_marts() %}
{% for column in mart.declaration.audit or [] %}
{% do audits.append({
    'campaign': mart.campaign, 'mart': mart.relation,
    'entity': mart.declaration.entity, 'column': column
}) %}
{% endfor %}
{% endfor %}

with scores as (
    select
        campaign,
        entity_id,
        customer_id,
        has_converted,
        predicted_probability,
        predicted_conversion,
    from {{ ref('conversion_scores') }}
    where split = 'test' and has_converted is not null
),

add_groups as (
    {% for audit in audits %}
    select
        scores.*,
        '{{ audit.column }}' as audited_column,
        coalesce(cast(mart.{{ audit.column }} as varchar), '(unknown)')
            as group_value,
    from scores
    inner join {{ audit.mart }} as mart
        on scores.entity_id = cast(mart.{{ audit.entity }} as varchar)
    where scores.campaign = '{{ audit.campaign }}'
    {{ 'union all' if not loop.last }}
    {% endfor %}
    {% if not audits %}
    select
        scores.*,
        cast(null as varchar) as audited_column,
        cast(null as varchar) as group_value,
    from scores
    where false
    {% endif %}
)

select * from add_groups
