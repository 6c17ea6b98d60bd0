{#
    A campaign that is built but not listed in dbt_project.yml would be missing from every result: an error that
    names it, its list and what to do.
#}
{% macro require_listed() -%}
    {%- if execute -%}
        {%- set lists = {
            '_scores': 'campaigns', '_segments': 'segmented_campaigns', '_features': 'marts',
        } -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.unique_id in selected_resources -%}
            {%- set campaign = node.config.meta.campaign -%}
            {%- for end, list in lists.items()
                if campaign and node.name == campaign ~ end and campaign not in var(list) -%}
                {{ exceptions.raise_compiler_error(
                    "campaign '" ~ campaign ~ "' has the model " ~ node.name ~ ", but `" ~ list ~ "` in "
                    ~ "dbt_project.yml does not list it: no result would know of it. Add it there."
                ) }}
            {%- endfor -%}
            {%- if node.name.startswith('base_') and node.name not in var('staged') -%}
                {{ exceptions.raise_compiler_error(
                    "model " ~ node.name ~ " reads raw files, but `staged` in dbt_project.yml does not list it: its "
                    ~ "rejected rows would be lost. Add it there, with the staging model of its kept rows."
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
