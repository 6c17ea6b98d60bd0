{#
    on-run-start and on-run-end: deletes who asked to be erased from every table, of models that this run
    does not build too, and of models that the project no longer has. The start sees which entities are theirs
    while marts and scores still say so; the end finds what the run has put in.
#}
{% macro erase_people(rebuilt=[]) -%}
    {%- if is_build() -%}
        {%- set request = tojson({
            'seeds': invocation_args_dict.project_dir ~ '/seeds',
            'country_code': var('country_code') | string,
            'nodes': nodes_for_erasure(),
            'rebuilt': rebuilt,
            'tables': tables_for_erasure(),
        }) -%}
        {%- set steps = run_query("select erasure_steps('" ~ request | replace("'", "''") ~ "')").rows[0][0] -%}
        {%- for step in fromjson(steps) -%}
            {%- if not step.count or run_query(step.count).rows[0][0] -%}
                {%- do run_query(step.sql) -%}
                {%- if step.count -%}
                    {%- do run_query("insert or ignore into main.unfinished values ('scrub')") -%}
                {%- endif -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}

{# What this run makes anew, of models that no longer hold who is erased. #}
{% macro rebuilt_nodes() -%}
    {%- set rebuilt = [] -%}
    {%- for id in selected_resources if graph.nodes.get(id, {}).get('config', {}).get('materialized') in ['table', 'seed'] -%}
        {%- do rebuilt.append(id) -%}
    {%- endfor -%}
    {{ return(rebuilt) }}
{%- endmacro %}

{# What each node says about its rows: what it is made of, and `meta`. #}
{% macro nodes_for_erasure() -%}
    {%- set nodes = {} -%}
    {%- set sources = graph.sources.values() | map(attribute='source_name') | list -%}
    {%- for id, node in graph.nodes.items() if node.resource_type in ['model', 'seed', 'snapshot'] -%}
        {#- a model in the folder of a campaign or source is about its people, though it may read of others -#}
        {%- set folder = node.fqn[-2] -%}
        {%- set meta = {
            'source': var('campaigns').get(folder, {}).get('source') or (folder if folder in sources else none)
        } -%}
        {%- for key in ['campaign', 'source', 'entity', 'segments', 'person_columns', 'emptied_columns']
            if node.config.meta.get(key) -%}
            {%- do meta.update({key: node.config.meta[key]}) -%}
        {%- endfor -%}
        {%- do nodes.update({id: {
            'relation': '"' ~ [node.database, node.schema, node.alias] | join('"."') ~ '"',
            'parents': node.depends_on.nodes | list,
            'meta': meta,
        }}) -%}
    {%- endfor -%}
    {{ return(nodes) }}
{%- endmacro %}

{# Every table but those that know people by right: the requests, and the keys that readers have seen. #}
{% macro tables_for_erasure() -%}
    {%- set query -%}
        select
            format('"{}"."{}"."{}"', database_name, schema_name, table_name) as relation,
            to_json(map_from_entries(list((column_name, data_type)))) as columns
        from duckdb_columns()
        inner join duckdb_tables() using (database_name, schema_name, table_name)
        where
            database_name in (current_database(), 'identities')
            and not (schema_name = 'main' and (table_name = 'unfinished' or starts_with(table_name, 'published_')))
            and table_name != 'erasure_requests'
        group by all order by all
    {%- endset -%}
    {%- set tables = [] -%}
    {%- for relation, columns in run_query(query).rows -%}
        {%- do tables.append({'relation': relation, 'columns': fromjson(columns)}) -%}
    {%- endfor -%}
    {{ return(tables) }}
{%- endmacro %}

{#
    Before a publish: overwrites what DuckDB left of erased people in free blocks of the files, which the
    published one is a copy of.
#}
{% macro scrub_free_blocks() -%}
    {%- if run_query("select 1 from main.unfinished where node = 'scrub'").rows -%}
        {%- for catalog in [target.database, 'identities'] -%}
            {%- do run_query('checkpoint "' ~ catalog ~ '"') -%}
            {%- set steps = run_query(
                "select scrub_steps('" ~ catalog ~ "', free_blocks) from pragma_database_size() where database_name = '"
                ~ catalog ~ "'"
            ).rows[0][0] -%}
            {%- for step in fromjson(steps) -%}{%- do run_query(step) -%}{%- endfor -%}
        {%- endfor -%}
    {%- endif -%}
{%- endmacro %}
