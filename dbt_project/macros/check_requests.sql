{#
    on-run-start: stop at an erasure request, consent or contact whose source or channel is unknown. It would be
    ignored, and the person would stay.
#}
{% macro check_requests() -%}
    {%- if is_build() -%}
        {#- a campaign on a table of another project declares a source that has no files here -#}
        {%- set sources = graph.sources.values() | map(attribute='source_name') | list
            + graph.nodes.values() | map(attribute='config.meta.source') | select | list -%}
        {%- set problems = run_query(
            "select unknown_names('" ~ (invocation_args_dict.project_dir ~ '/seeds') | replace("'", "''") ~ "', ['"
            ~ sources | unique | join("', '") ~ "'])"
        ).rows[0][0] -%}
        {%- if problems -%}{{ exceptions.raise_compiler_error(problems) }}{%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# on-run-end: a warning, in the terminal only, for each erasure request and consent that matches nobody. #}
{% macro warn_of_unmatched_requests() -%}
    {%- set seeds = (invocation_args_dict.project_dir ~ '/seeds') | replace("'", "''") -%}
    {%- do run_query("select warn_unmatched('" ~ seeds ~ "', '" ~ var('country_code') ~ "')") -%}
{%- endmacro %}

{#
    Post-hook of the seeds about people: a raw phone number or name becomes the pseudonym by which the tables know
    the person, so that none is published. The table's comment tells exports the country code.
#}
{% macro hash_raw_identifiers() -%}
    {%- if execute and target.type == 'duckdb' -%}
        {%- set seeds = (invocation_args_dict.project_dir ~ '/seeds') | replace("'", "''") -%}
        comment on table {{ this }} is 'country_code {{ var("country_code") }}';
        {{ run_query(
            "select hash_statements('" ~ seeds ~ "', '" ~ var('country_code') ~ "', '" ~ this ~ "')"
        ).rows[0][0] -}}
    {%- endif -%}
{%- endmacro %}
