with counted as (
    {% for base in built_here(var('staged')) %}
    {% set source, thing = base.removeprefix('base_').split('__') %}
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
    from {{ ref(base) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
)

select * from counted
