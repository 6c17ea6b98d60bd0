{#
    The columns of a campaign's mart that are no keys and no times: name, type and whether
    a model may see it (or it is audited) or it is a declared dimension.
#}
{% macro mart_columns(mart, meta) -%}
    {%- set audited = meta.audit or [] -%}
    {%- set dimensions = meta.dimensions or [] -%}
    {%- set hidden = [
        meta.entity, meta.label, meta.split or 'split', meta.as_of, meta.order_by,
        meta.label_known_at, meta.group_by, meta.baseline
    ] + (meta.withhold or []) + (meta.known_at or {}).values() | list -%}
    {%- set found = [] -%}
    {%- for column in adapter.get_columns_in_relation(mart) -%}
        {%- set is_feature = column.name in audited or column.name not in hidden -%}
        {%- set is_dimension = column.name in dimensions -%}
        {%- set type = column.dtype | upper -%}
        {%- set is_text = type in ['VARCHAR', 'STRING', 'BOOLEAN'] or type.startswith('ENUM') -%}
        {%- set is_time = type.startswith('DATE') or type.startswith('TIME') -%}
        {%- if (is_feature or is_dimension) and (is_text or not is_time) -%}
            {%- do found.append({
                'column_name': column.name, 'type': type, 'is_text': is_text,
                'is_dimension': is_dimension, 'is_feature': is_feature,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# Numbers of a row as a list, so that all of a mart's are counted by one select. #}
{% macro number_list(columns, table='') -%}
    [
        {%- for column in columns %}
        cast({{ table }}"{{ column.column_name }}" as double){{ ', ' if not loop.last }}
        {%- endfor %}
    ]
{%- endmacro %}

{# Texts of a row as a list; yes or no of a boolean. #}
{% macro text_list(columns, table='') -%}
    [
        {%- for column in columns %}
        {%- if column.type == 'BOOLEAN' %}
        case {{ table }}"{{ column.column_name }}" when true then 'yes' when false then 'no' end
        {%- else %}
        cast({{ table }}"{{ column.column_name }}" as varchar)
        {%- endif %}
        {{- ', ' if not loop.last }}
        {%- endfor %}
    ]
{%- endmacro %}
