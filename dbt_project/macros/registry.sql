{#
    What is built: `campaigns` and `sources` of dbt_project.yml, checked. Every macro and model that goes through
    campaigns, sources or raw files asks here.
#}
{% macro registry() -%}
    {%- set campaigns = var('campaigns') -%}
    {%- set kinds = ['scores', 'segments', 'topics'] -%}
    {%- set keys = ['source', 'has', 'variant_of', 'spark', 'raw_files'] -%}
    {%- set example = "such as insurance: {source: insurance, has: [scores, segments]}" -%}
    {%- if campaigns is not mapping or not campaigns -%}
        {{ exceptions.raise_compiler_error(
            "`campaigns` in dbt_project.yml or --vars lists no campaign. Name at least one with its source and what "
            ~ "it has, " ~ example ~ "."
        ) }}
    {%- endif -%}
    {%- for campaign, entry in campaigns.items() -%}
        {%- set problems = [] -%}
        {%- if entry is not mapping or not entry.source or entry.has is string or not entry.has -%}
            {%- do problems.append("needs `source` and `has`, " ~ example) -%}
        {%- else -%}
            {%- for kind in entry.has if kind not in kinds -%}
                {%- do problems.append("has '" ~ kind ~ "', which is unknown; allowed: " ~ kinds | join(', ')) -%}
            {%- endfor -%}
            {%- for key in entry if key not in keys -%}
                {%- do problems.append("key '" ~ key ~ "' is unknown; allowed: " ~ keys | join(', ')) -%}
            {%- endfor -%}
            {%- if entry.variant_of and entry.variant_of not in campaigns -%}
                {%- do problems.append(
                    "reads the mart of '" ~ entry.variant_of ~ "', which is not listed; list it too"
                ) -%}
            {%- endif -%}
        {%- endif -%}
        {%- if problems -%}
            {{ exceptions.raise_compiler_error(
                "Campaign '" ~ campaign ~ "' in `campaigns` (dbt_project.yml or --vars): " ~ problems | join('; ') ~ "."
            ) }}
        {%- endif -%}
    {%- endfor -%}
    {{ return(campaigns) }}
{%- endmacro %}

{# Campaigns that this target builds; with `kind`, those that have it: scores, segments or topics. #}
{% macro listed_campaigns(kind=none) -%}
    {%- set names = [] -%}
    {%- for campaign, entry in registry().items()
        if (not kind or kind in entry.has) and (target.type == 'duckdb' or entry.spark) -%}
        {%- do names.append(campaign) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# Campaigns with a feature mart of their own. #}
{% macro listed_marts() -%}
    {%- set names = [] -%}
    {%- for campaign in listed_campaigns() if not registry()[campaign].variant_of -%}
        {%- do names.append(campaign) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# Sources of the campaigns that this target builds. #}
{% macro listed_sources() -%}
    {%- set names = [] -%}
    {%- for campaign in listed_campaigns() if registry()[campaign].source not in names -%}
        {%- do names.append(registry()[campaign].source) -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{# Names of raw tables, `<source>__<table>`: each has a model base_... and one stg_... of its kept rows. #}
{% macro raw_tables() -%}
    {%- set names = [] -%}
    {%- for campaign in listed_campaigns() if registry()[campaign].raw_files is not false -%}
        {%- set source = registry()[campaign].source -%}
        {%- for table in var('sources').get(source, {}).get('tables', ['records'])
            if source ~ '__' ~ table not in names -%}
            {%- do names.append(source ~ '__' ~ table) -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(names) }}
{%- endmacro %}

{#
    on-run-start: stop at a model whose campaign or raw table the registry does not know. Every result would lack it.
    Models of packages are none of its business.
#}
{% macro assert_campaigns_listed() -%}
    {%- if execute -%}
        {%- set kinds = {'_scores': 'scores', '_segments': 'segments', '_topic_counts': 'topics'} -%}
        {%- set campaigns = registry() -%}
        {%- for node in graph.nodes.values()
            if node.resource_type == 'model' and node.package_name == project_name
            and node.unique_id in selected_resources -%}
            {%- set campaign = node.config.meta.campaign -%}
            {%- for ending, kind in kinds.items()
                if campaign and node.name == campaign ~ ending
                and kind not in campaigns.get(campaign, {}).get('has', []) -%}
                {{ exceptions.raise_compiler_error(
                    "campaign '" ~ campaign ~ "' has the model " ~ node.name ~ ", but `campaigns` in dbt_project.yml "
                    ~ "does not list it with `has: [" ~ kind ~ "]`: no result would know of it. Add it there."
                ) }}
            {%- endfor -%}
            {%- if campaign and node.name == campaign ~ '_features' and campaign not in campaigns -%}
                {{ exceptions.raise_compiler_error(
                    "campaign '" ~ campaign ~ "' has the model " ~ node.name ~ ", but `campaigns` in dbt_project.yml "
                    ~ "does not list it: no result would know of it. Add it there."
                ) }}
            {%- endif -%}
            {%- if node.name.startswith('base_') and node.name.removeprefix('base_') not in raw_tables() -%}
                {{ exceptions.raise_compiler_error(
                    "model " ~ node.name ~ " reads raw files, but `sources` in dbt_project.yml does not list its "
                    ~ "table: its rejected rows would be lost. Add it there."
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
