-- rows in = rows kept + rows rejected + rows declared duplicate (+ rows erased)
with counts as (
    {% for table in raw_tables() %}
    select
        'base_{{ table }}' as base_model,
        count(*) as rows_in,
        count(*) filter (where row_status = 'kept') as rows_kept,
        count(*) filter (
            where row_status in ('rejected', 'duplicate', 'erased')
        ) as rows_listed,
        (select count(*) from {{ ref('stg_' ~ table) }}) as rows_staged,
    from {{ ref('base_' ~ table) }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

list_rows as (
    select count(*) as row_count from {{ ref('rejected_rows') }}
)

select
    base_model,
    rows_in,
    rows_kept,
    rows_listed,
from counts
where rows_in != rows_kept + rows_listed or rows_staged != rows_kept

union all

select
    'rejected_rows' as base_model,
    any_value(list_rows.row_count) as rows_in,
    0 as rows_kept,
    sum(counts.rows_listed) as rows_listed,
from counts
cross join list_rows
having any_value(list_rows.row_count) != sum(counts.rows_listed)
