with base_rows as (
    {% for base in var('base_models') %}
    select
        '{{ base.split('__')[0] | replace('base_', '') }}' as source,
        file_name,
        row_number,
        reject_reason as reason,
        raw_text,
    from {{ ref(base) }}
    where reject_reason is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from base_rows
