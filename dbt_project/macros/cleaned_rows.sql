{#
    The kept rows of a base model, their values cleaned as raw_columns.csv and
    recodings.csv say: codes for missing and numbers out of range become missing (or are
    clipped), raw spellings become the clean one. cleaning_report counts each of these.
#}
{% macro cleaned_rows(source, thing) %}
{%- set cleaned = [] -%}
{%- for column in raw_columns(source, thing) -%}
    {%- set is_text = column.type in ['text', 'category'] -%}
    {%- set cases = [] -%}
    {%- set value = 'lower(' ~ column.name ~ ')' if is_text else column.name -%}
    {%- set codes = [] -%}
    {%- for code in column.codes if is_text or modules.re.fullmatch('-?[0-9.]+', code) -%}
        {%- do codes.append("'" ~ code | replace("'", "''") ~ "'" if is_text else code) -%}
    {%- endfor -%}
    {%- if codes -%}
        {%- do cases.append('when ' ~ value ~ ' in (' ~ codes | join(', ') ~ ') then null') -%}
    {%- endif -%}
    {%- for sign, bound in [('<', column.lowest), ('>', column.highest)] if bound -%}
        {%- do cases.append(
            'when ' ~ value ~ ' ' ~ sign ~ ' ' ~ bound ~ ' then '
            ~ (bound if column.outside == 'clipped' else 'null')
        ) -%}
    {%- endfor -%}
    {%- for raw, clean in column.recoded.items() -%}
        {%- do cases.append("when " ~ value ~ " = '" ~ raw ~ "' then '" ~ clean ~ "'") -%}
    {%- endfor -%}
    {%- if cases -%}{%- do cleaned.append({'name': column.name, 'cases': cases}) -%}{%- endif -%}
{%- endfor -%}
select
    * exclude (
        reject_reason, row_status, raw_text, coded_missing, content_hash, file_version
    )
    {%- if cleaned %} replace (
        {%- for column in cleaned %}
        case
            {%- for case in column.cases %}
            {{ case }}
            {%- endfor %}
            else {{ column.name }}
        end as {{ column.name }}{{ ',' if not loop.last }}
        {%- endfor %}
    )
    {%- endif %}
from {{ ref('base_' ~ source ~ '__' ~ thing) }}
where reject_reason is null
{% endmacro %}
