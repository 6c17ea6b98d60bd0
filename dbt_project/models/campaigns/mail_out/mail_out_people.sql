-- an attribute that nobody of the population has says by itself who is a customer
{% set people = ref('stg_mail_out__people') %}
{% set attributes = mail_out_attributes()
    | rejectattr('kind', 'equalto', 'outcome') | list %}
{% if attributes and load_relation(people) %}
    {% set counts = [] %}
    {% for attribute in attributes %}{% do counts.append('count(' ~ attribute.name ~ ')') %}{% endfor %}
    {% set known = run_query(
        'select ' ~ counts | join(', ') ~ ' from ' ~ people ~ " where part = 'population'"
    ).rows[0] %}
{% endif %}
{% set shown = [] %}
{% for attribute in attributes %}
    {% if known and known[loop.index0] %}
        {% do shown.append(attribute) %}
    {% endif %}
{% endfor %}

with people as (
    select * from {{ people }}
),

add_descriptions as (
    select
        if(
            part = 'mail_out',
            cast(person_id as varchar),
            concat(part, '-', person_id)
        ) as entity_id,
        person_id,
        {% for attribute in shown %}
        {% if attribute.kind == 'date' %}
        year({{ attribute.name }}) as {{ attribute.name }}_year,
        {% else %}
        {{ attribute.name }},
        {% endif %}
        {% endfor %}
        if(part = 'mail_out', null, part = 'customers') as is_customer,
    from people
)

select * from add_descriptions
