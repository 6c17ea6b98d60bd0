{% set marts = [] %}
{% for mart in all_marts('scores') %}
    {% set meta = mart.declaration %}
    {% if meta.label and meta.as_of and not meta.variant_of %}
        {% do marts.append(mart) %}
    {% endif %}
{% endfor %}

with dated_rows as (
    {% for mart in marts %}
    {% set meta = mart.declaration %}
    select
        '{{ mart.campaign }}' as campaign,
        cast({{ meta.entity }} as varchar) as entity_id,
        cast({{ meta.as_of }} as date) as as_of,
        {{ meta.label }} is null as is_candidate,
        {% if source_kind(meta.source) == 'own' %}
        cast({{ selection_time() }} as date)
        {% else %}
        -- default input does not age: its newest day counts as today
        max(cast({{ meta.as_of }} as date)) over ()
        {% endif %}
        - {{ meta.candidates_within or 14 }} as oldest_day,
        -- rows with an outcome too: an older row is not used instead
        {% if meta.group_by %}
        max(cast({{ meta.as_of }} as date)) over (
            partition by {{ meta.group_by }}
        )
        {% else %}
        cast({{ meta.as_of }} as date)
        {% endif %} as newest_day,
    from {{ mart.relation }}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as varchar) as campaign,
        cast(null as varchar) as entity_id,
        cast(null as date) as as_of,
        cast(null as boolean) as is_candidate,
        cast(null as date) as oldest_day,
        cast(null as date) as newest_day,
    where false
    {% endfor %}
),

compare_days as (
    select
        campaign,
        entity_id,
        as_of,
        as_of < oldest_day as is_old,
        as_of < newest_day as has_newer_row,
    from dated_rows
    where is_candidate
)

select * from compare_days
