with count_rows as (
    {% for table in raw_tables() %}
    {% set source, thing = table.split('__') %}
    select
        '{{ source }}' as source,
        '{{ thing }}' as thing,
        count(distinct file_name) as file_count,
        count(*) as rows_in,
        {% for name, status in {
            'kept': 'kept', 'rejected': 'rejected', 'repeated': 'duplicate', 'erased': 'erased'
        }.items() %}
        count(*) filter (where row_status = '{{ status }}') as rows_{{ name }},
        {% endfor %}
    from {{ ref('base_' ~ table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from count_rows
