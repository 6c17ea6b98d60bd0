-- what the dictionary calls an outcome is known only after the mail-out
{% set attributes = mail_out_attributes()
    | rejectattr('kind', 'equalto', 'outcome') | list %}

with people as (
    select * from {{ ref('stg_mail_out__people') }}
    where part = 'mail_out'
),

add_descriptions as (
    select
        person_id,
        {% for attribute in attributes %}
        {% if attribute.kind == 'date' %}
        year({{ attribute.name }}) as {{ attribute.name }}_year,
        {% else %}
        {{ attribute.name }},
        {% endif %}
        {% endfor %}
        {% for attribute in attributes %}
        {{ '+ ' if not loop.first }}
        cast({{ attribute.name }} is null as integer)
        {%- if loop.last %} as unknown_attribute_count, {% endif %}
        {% endfor %}
        has_responded,
        case
            when has_responded is null then 'score'
            when {{ hash_bucket('person_id', 100) }} < 20 then 'test'
            else 'train'
        end as split,
    from people
)

select * from add_descriptions
