{#
    Every campaign's mart: {campaign, relation, declaration, columns, numbers, texts}. Numbers and texts are its
    features; columns are those, what is audited and what is a declared dimension. With `kind`, of the campaigns
    that have it: a variant reads another campaign's mart by a declaration of its own.
#}
{% macro all_marts(kind=none) -%}
    {%- set marts = [] -%}
    {%- for campaign in listed_campaigns(kind) if kind or campaign in listed_marts() -%}
        {%- set variant_of = registry()[campaign].variant_of -%}
        {%- set relation = ref((variant_of or campaign) ~ '_features') -%}
        {%- if execute -%}
            {%- set node = 'model.leadlight.' ~ campaign ~ ('_scores' if variant_of else '_features') -%}
            {%- set declaration = graph.nodes[node].config.meta -%}
            {%- set columns = mart_columns(relation, declaration) -%}
            {%- set features = columns | selectattr('is_feature') | list -%}
            {%- do marts.append({
                'campaign': campaign, 'relation': relation, 'declaration': declaration, 'columns': columns,
                'numbers': features | rejectattr('is_text') | list,
                'texts': features | selectattr('is_text') | list,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(marts) }}
{%- endmacro %}

{# The columns that no model may see: `Campaign.not_features` in SQL's half of the project. #}
{% macro not_features(declaration) -%}
    {%- set allowed = declaration.allow_audited or [] -%}
    {%- set names = [
        declaration.entity, declaration.label, declaration.split or 'split', declaration.as_of,
        declaration.order_by, declaration.label_known_at, declaration.group_by, declaration.baseline,
    ] + (declaration.withhold or []) + (declaration.known_at or {}).values() | list -%}
    {%- for money in [declaration.contact_cost, declaration.conversion_value] if money is string -%}
        {%- do names.append(money) -%}
    {%- endfor -%}
    {%- for column in declaration.audit or [] if column not in allowed -%}
        {%- do names.append(column) -%}
    {%- endfor -%}
    {{ return(names | select | list) }}
{%- endmacro %}

{#
    The columns of a mart that results count, with name and type: features, what is audited and declared
    dimensions; no keys, money or times.
#}
{% macro mart_columns(mart, declaration) -%}
    {%- set hidden = not_features(declaration) -%}
    {%- set found = [] -%}
    {%- for column in adapter.get_columns_in_relation(mart) -%}
        {%- set is_feature = column.name not in hidden -%}
        {%- set is_audited = column.name in (declaration.audit or []) -%}
        {%- set is_dimension = column.name in (declaration.dimensions or []) -%}
        {%- set type = column.dtype | upper -%}
        {%- set is_text = type in ['VARCHAR', 'STRING', 'BOOLEAN'] or type.startswith('ENUM') -%}
        {%- set is_time = type.startswith('DATE') or type.startswith('TIME') -%}
        {%- if (is_feature or is_audited or is_dimension) and (is_text or not is_time) -%}
            {%- do found.append({
                'column_name': column.name, 'type': type, 'is_text': is_text, 'is_feature': is_feature,
                'is_audited': is_audited, 'is_dimension': is_dimension,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(found) }}
{%- endmacro %}

{# What tables about features show: the features of a mart, and what is audited. #}
{% macro features_and_audited(mart) -%}
    {%- set shown = [] -%}
    {%- for column in mart.columns if column.is_feature or column.is_audited -%}
        {%- do shown.append(column) -%}
    {%- endfor -%}
    {{ return(shown) }}
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
