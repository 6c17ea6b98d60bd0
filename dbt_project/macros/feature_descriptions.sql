{# What the YAML says of each mart's columns: mart, feature, description. #}
{% macro feature_descriptions() -%}
    {%- set described = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.path.startswith('campaigns/') -%}
            {%- for column in node.columns.values() if column.description -%}
                {%- do described.append((node.name, column.name, column.description.strip())) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    {%- for mart, feature, description in described %}
    select
        '{{ mart }}' as mart,
        '{{ feature }}' as feature,
        '{{ description | replace("'", "''") | replace("\n", " ") }}' as description
    {{ 'union all' if not loop.last }}
    {%- else %}
    select
        cast(null as varchar) as mart,
        cast(null as varchar) as feature,
        cast(null as varchar) as description
    {%- endfor %}
{%- endmacro %}
