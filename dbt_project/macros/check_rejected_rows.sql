{#
    Post-hook of base models: a warning with the reasons where more than 1 % of the rows are rejected, and an
    error where all are. Rows that repeat a kept one are no loss, and erased ones are wanted.
#}
{% macro check_rejected_rows() -%}
    {%- if execute and target.type == 'duckdb' and model.name.startswith('base_') -%}
        {%- set counts = run_query(rejected_row_counts(this)).rows -%}
        {%- if counts -%}
            {%- set rejected, total = counts[0]['rejected_count'], counts[0]['row_count'] -%}
            {%- set reasons = [] -%}
            {%- for row in counts -%}
                {%- do reasons.append('{:,} x {}'.format(row['reason_count'], row['reason'])) -%}
            {%- endfor -%}
            {%- set message = '{}: {:,} of {:,} rows are rejected: {}'.format(
                model.name, rejected, total, reasons | join('; ')
            ) -%}
            {%- if rejected == total -%}
                {{ exceptions.raise_compiler_error(message ~ '. Nothing is left to build on.') }}
            {%- endif -%}
            {%- do exceptions.warn(message ~ '. results.rejected_rows lists them.') -%}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# The three commonest reasons, values left out, where more than 1 % of a base model's rows are rejected. #}
{% macro rejected_row_counts(base) -%}
with reasons as (
    select
        regexp_replace(
            regexp_replace(reject_reason, ': ''.*'' is ', ': a value is '),
            'duplicated key: .*', 'duplicated key'
        ) as reason,
        count(*) as reason_count,
    from {{ base }}
    where row_status = 'rejected'
    group by reason
)

select
    reason,
    reason_count,
    cast(sum(reason_count) over () as bigint) as rejected_count,
    (select count(*) from {{ base }} where row_status in ('kept', 'rejected')) as row_count,
from reasons
qualify rejected_count > 0.01 * row_count
order by reason_count desc, reason asc
limit 3
{%- endmacro %}
