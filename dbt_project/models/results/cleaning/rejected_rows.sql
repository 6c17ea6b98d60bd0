with base_rows as (
    {% for base in built_here(var('staged')) %}
    select
        '{{ base.split('__')[0] | replace('base_', '') }}' as source,
        file_name,
        row_number,
        row_status,
        reject_reason as reason,
        raw_text,
    from {{ ref(base) }}
    where reject_reason is not null
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from base_rows
