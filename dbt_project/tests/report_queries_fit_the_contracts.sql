-- Each query of the report site finds its columns in the contracts of public tables. It
-- reads no table, so it runs before these are made, and long before the reports are
{{ config(tags=['not_on_spark']) }}
{% set contracts = {} %}
{% for node in graph.nodes.values() if execute and node.access == 'public' %}
{% set types = {} %}
{% for column in node.columns.values() %}
{% do types.update({column.name: column.data_type}) %}
{% endfor %}
{% do contracts.update({node.alias: types}) %}
{% endfor %}
{% set queries = invocation_args_dict.project_dir ~ '/../reports/sources' %}

with problems as (
    select
        report_problems(
            '{{ queries | replace("'", "''") }}',
            '{{ tojson(contracts) | replace("'", "''") }}'
        ) as problem,
)

-- the error says what to do; a row would not
select problem
from problems
where case when problem != '' then error(problem) is null else false end
