{#
    The columns that conversion_counts and its steps count: {marts, columns}. A column's place in `columns` is
    its position. A campaign without an outcome has no label: all of its rows count as known.
#}
{% macro counted_marts() -%}
    {#- numbers with at most this many values are counted by value, the others by range -#}
    {%- set few_values = {'feature': 10, 'dimension': 30} -%}
    {%- set marts = [] -%}
    {%- set columns = [] -%}
    {%- for mart in all_marts() if mart.columns -%}
        {%- set meta = mart.declaration -%}
        {%- set numbers = mart.columns | rejectattr('is_text') | list -%}
        {%- set texts = mart.columns | selectattr('is_text') | list -%}
        {%- do marts.append({
            'relation': mart.relation, 'entity': meta.entity,
            'label': meta.label or 'cast(null as boolean)',
            'known': meta.label ~ ' is not null' if meta.label else 'true', 'customer': meta.group_by,
            'numbers': numbers, 'numbers_before': columns | length,
            'texts': texts, 'texts_before': columns | length + numbers | length,
        }) -%}
        {%- for column in numbers + texts -%}
            {%- do columns.append(dict(
                column,
                campaign=mart.campaign,
                has_outcome=true if meta.label else false,
                few_values=few_values['dimension' if column.is_dimension else 'feature'],
            )) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return({'marts': marts, 'columns': columns}) }}
{%- endmacro %}

{#
    Condition that holds for about as many rows of a mart as `rows`, whole customers or entities by a hash of `key`.
#}
{% macro is_sampled(mart, key, rows) -%}
    hash({{ key }}) % cast((
        select count(*) // {{ rows }} + 1
        from {{ mart.relation }}
        where {{ mart.known }}
    ) as ubigint) = 0
{%- endmacro %}

{# Hash of a row's customer, of some 20,000 rows; null where every row is another customer's. #}
{% macro sampled_customer(mart) -%}
    {%- if mart.customer -%}
    case when {{ is_sampled(mart, mart.customer, 20000) }} then hash({{ mart.customer }}) end
    {%- else -%}
    cast(null as ubigint)
    {%- endif -%}
{%- endmacro %}
