{% set attributes = mail_out_attributes() %}

with people as (
    {{ kept_rows('mail_out', 'people', others=true) }}
),

clean_values as (
    select
        -- ids
        person_id,
        part,

        -- attributes: codes for unknown are missing; numbers are numbers, names
        -- of categories are text
        {% for attribute in attributes %}
        {% set value = attribute.clean %}
        {% if attribute.kind == 'date' %}
        coalesce(
            try_cast({{ value }} as date),
            cast(try_strptime(
                cast({{ value }} as varchar), ['%d.%m.%Y', '%d/%m/%Y']
            ) as date)
        ) as {{ attribute.name }},
        {% elif attribute.kind in ['nominal', 'text'] %}
        cast({{ value }} as varchar) as {{ attribute.name }},
        {% elif attribute.is_text %}
        try_cast({{ value }} as double) as {{ attribute.name }},
        {% else %}
        {{ value }} as {{ attribute.name }},
        {% endif %}
        {% endfor %}

        -- outcome
        has_responded,

        -- where it came from
        file_name,
        row_number,
    from people
)

select * from clean_values
