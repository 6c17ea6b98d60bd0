{#
    What the YAML says of each mart's columns: mart, feature, description. One literal,
    because hundreds of selects take a linter and a parser long.
#}
{% macro feature_descriptions() -%}
    {%- set described = [] -%}
    {%- if execute -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.path.startswith('campaigns/') -%}
            {%- for column in node.columns.values() if column.description -%}
                {%- do described.append({
                    'mart': node.name, 'feature': column.name,
                    'description': column.description.strip() | replace("\n", " "),
                }) -%}
            {%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
    select
        unnest(
            from_json(
                '{{ tojson(described) | replace("'", "''") }}',
                '[{"mart": "varchar", "feature": "varchar", "description": "varchar"}]'
            ),
            recursive := true
        ),
{%- endmacro %}
