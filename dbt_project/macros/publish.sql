{#
    on-run-start: what this run is about to build is unfinished until it succeeds, whatever becomes
    of the run. Tests are part of it.
#}
{% macro begin_build() -%}
    {%- if execute and target.type == 'duckdb' and flags.WHICH in ['build', 'run', 'seed', 'snapshot'] -%}
        create table if not exists main.unfinished (node varchar primary key);
        insert or ignore into main.unfinished
        select unnest([
            {%- for node in selected_resources %}
            '{{ node }}' {{- ',' if not loop.last }}
            {%- endfor %}
        ]);
    {%- endif -%}
{%- endmacro %}

{#
    on-run-end: where nothing is unfinished, of this run or of one that failed or was killed before, the working
    database becomes the warehouse that people query, by one atomic rename. Else nothing is published.
#}
{% macro end_build(results) -%}
    {%- if execute and target.type == 'duckdb' and flags.WHICH in ['build', 'run', 'seed', 'snapshot'] -%}
        {%- set succeeded = ['success', 'pass', 'warn', 'no-op'] -%}
        {%- set finished, failed = ["''"], [] -%}
        {%- for result in results -%}
            {%- set node = result.node.unique_id -%}
            {%- do finished.append("'" ~ node ~ "'") if result.status in succeeded else failed.append(node) -%}
        {%- endfor -%}
        {%- do run_query('delete from main.unfinished where node in (' ~ finished | join(', ') ~ ')') -%}
        {%- set nodes = run_query('select node from main.unfinished order by node').columns[0].values() -%}
        {#- what the project has no longer needs no end -#}
        {%- set left = [] -%}
        {%- for node in nodes if node in graph.nodes or node in failed -%}
            {%- do left.append(node.split('.')[2]) -%}
        {%- endfor -%}
        {%- if not left and results -%}
            select publish_warehouse()
        {%- elif left -%}
            {{ log(
                'Not published: the warehouse still holds the last good build. Unfinished, by this run or an '
                ~ 'earlier one: ' ~ left[:5] | join(', ')
                ~ (' and ' ~ (left | length - 5) ~ ' more' if left | length > 5)
                ~ '. Mend what failed, then `dbt build` or `dbt retry`.', info=true
            ) }}
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}
