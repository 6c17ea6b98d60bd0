-- what a staging model changes by a rule of its own, besides raw_columns.csv
{% set ruled = {'base_coupon__transactions': ['quantity', 'amount']} %}

{% set reports = [] %}
{% for table in raw_tables() %}
{% set base, staged = 'base_' ~ table, 'stg_' ~ table %}
{% set source, thing = table.split('__') %}
{% set columns = [] %}
{% for column in raw_columns(source, thing) if
        column.codes or column.recoded or column.lowest or column.highest
        or column.name in ruled.get(base, []) %}
{% do columns.append(column) %}
{% endfor %}
{% if base == 'base_mail_out__people' %}
{% for attribute in mail_out_attributes() if attribute.codes or attribute.recoded %}
{% do columns.append({
                'name': attribute.name, 'raw': attribute.raw, 'recoded': attribute.recoded
            }) %}
{% endfor %}
{% endif %}
{% do ref(base) %}{% do ref(staged) %}
{% if columns %}
{% do reports.append({
            'base': base, 'staged': staged, 'source': source, 'thing': thing, 'columns': columns,
        }) %}
{% endif %}
{% endfor %}

with {% for report in reports %}
{{ report.thing }}_of_{{ report.source }} as (
    select
        count(*) as row_count,
        {% for column in report.columns %}
        {% set raw = '"' ~ (column.raw or column.name) | replace('"', '""') ~ '"' %}
        count({{ raw }}) + count(*) filter (
            where list_contains(coded_missing, '{{ column.name }}')
        ) as {{ column.name }}_known,
        {% if column.recoded %}
        count(*) filter (
            where lower({{ raw }}) in (
                {% for value in column.recoded %}'{{ value }}'{{ ', ' if not loop.last }}{% endfor %}
            )
        )
        {% else %}
        0
        {% endif %} as {{ column.name }}_recoded,
        {% if column.outside == 'clipped' %}
        count(*) filter (
            where {{ raw }} < {{ column.lowest or "'-inf'" }} or {{ raw }} > {{ column.highest or "'inf'" }}
        )
        {% else %}
        0
        {% endif %} as {{ column.name }}_clipped,
        {% endfor %}
    from (
        {{ kept_rows(report.source, report.thing, others=report.source == 'mail_out') }}
    ) as kept_rows
),

cleaned_{{ report.thing }}_of_{{ report.source }} as (
    select
        {% for column in report.columns %}
        count({{ column.name }}) as {{ column.name }}_known,
        {% endfor %}
    from {{ ref(report.staged) }}
),

{% endfor %}
{% if 'coupon' in listed_sources() %}
-- fuel comes in thousandths of a gallon: the one number that is converted in SQL
converted as (
    select count(*) as row_count
    from {{ ref('base_coupon__transactions') }} as base_rows
    inner join {{ ref('stg_coupon__transactions') }} as cleaned_rows
        using (file_name, row_number)
    where base_rows.quantity > 100 and base_rows.quantity != cleaned_rows.quantity
),

{% endif %}
list_rows as (
    {% for report in reports %}
    select
        '{{ report.source }}' as source,
        unnest([
            {% for column in report.columns %}
            {
                'column_name': '{{ report.thing }}.{{ column.name }}',
                'rows_in': raw.row_count,
                'set_to_missing':
                    raw.{{ column.name }}_known - cleaned.{{ column.name }}_known,
                'recoded': raw.{{ column.name }}_recoded
                    {%- if report.base == 'base_coupon__transactions' and column.name == 'quantity' %} + converted.row_count{% endif %},
                'clipped': raw.{{ column.name }}_clipped,
            }{{ ', ' if not loop.last }}
            {% endfor %}
        ], recursive := true),
    from {{ report.thing }}_of_{{ report.source }} as raw
    cross join cleaned_{{ report.thing }}_of_{{ report.source }} as cleaned
    {% if report.base == 'base_coupon__transactions' %}cross join converted{% endif %}
    {{ 'union all' if not loop.last }}
    {% else %}
    select
        cast(null as varchar) as source,
        cast(null as varchar) as column_name,
        cast(null as bigint) as rows_in,
        cast(null as bigint) as set_to_missing,
        cast(null as bigint) as recoded,
        cast(null as bigint) as clipped,
    where false
    {% endfor %}
),

type_values as (
    select
        source,
        column_name,
        cast(rows_in as bigint) as rows_in,
        cast(set_to_missing as bigint) as set_to_missing,
        cast(recoded as bigint) as recoded,
        cast(clipped as bigint) as clipped,
    from list_rows
)

select * from type_values
