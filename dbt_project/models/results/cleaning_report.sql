{% set cleaned = {
    'coupon__transactions': [
        'quantity', 'amount', 'retail_discount', 'coupon_discount',
        'coupon_match_discount',
    ],
    'coupon__products': ['product_category', 'product_type'],
    'insurance__calls': [
        'age', 'job', 'marital_status', 'education', 'call_type', 'previous_outcome',
        'call_seconds', 'call_count', 'days_since_last_campaign',
    ],
} %}

with {% for thing, columns in cleaned.items() %}
{{ thing }} as (
    select
        count(*) as rows_in,
    {% for column in columns %}
    count(base_rows.{{ column }}) - count(cleaned_rows.{{ column }})
        as {{ column }}_set_to_missing,
    count(*) filter (
        where base_rows.{{ column }} != cleaned_rows.{{ column }}
    ) as {{ column }}_recoded,
    {% endfor %}
    from {{ ref('base_' ~ thing) }} as base_rows
    inner join {{ ref('stg_' ~ thing) }} as cleaned_rows
        using (file_name, row_number)
),

{% endfor %}
listed as (
    {% for thing, columns in cleaned.items() %}
    {%- set outer_last = loop.last -%}
    {% for column in columns %}
    select
        '{{ thing.split('__')[0] }}' as source,
        '{{ thing.split('__')[1] }}.{{ column }}' as column_name,
        rows_in,
        {{ column }}_set_to_missing as set_to_missing,
        {{ column }}_recoded as recoded,
        cast(0 as bigint) as clipped,
    from {{ thing }}
    {{ 'union all' if not (loop.last and outer_last) }}
    {% endfor %}
    {% endfor %}
)

select * from listed
