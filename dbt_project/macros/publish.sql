{#
    on-run-start: what this run is about to build is unfinished until it succeeds, whatever becomes
    of the run. Tests are part of it, and so is publishing.
#}
{% macro begin_build() -%}
    {%- if execute and target.type != 'duckdb' and (invocation_args_dict.empty or invocation_args_dict.sample) -%}
        {{ exceptions.raise_compiler_error(
            '--empty and --sample would empty the tables of target ' ~ target.name ~ ': use them with --target duckdb.'
        ) }}
    {%- elif is_build() and not publishes() -%}
        {#- lists that erasure and records look into -#}
        {%- do run_query('create table if not exists main.unfinished (node varchar primary key)') -%}
        {%- do run_query(note_published(false)) -%}
    {%- elif is_build() -%}
        {%- set problem = run_query('select room_problem()').rows[0][0] -%}
        {%- if problem -%}{{ exceptions.raise_compiler_error(problem) }}{%- endif -%}
        {#- an ephemeral model has no result: it is built with the models that read it #}
        {%- set nodes = [] -%}
        {%- for node in selected_resources
            if graph.nodes.get(node, {}).get('config', {}).get('materialized') != 'ephemeral' -%}
            {%- do nodes.append("'" ~ node ~ "'") -%}
        {%- endfor %}
        {%- set target_folder = invocation_args_dict.target_path or 'target' %}
        {#- run while the hook is rendered: an error then stops the run -#}
        {%- do run_query("
            create table if not exists main.unfinished (node varchar primary key);
            insert or ignore into main.unfinished select unnest(['publish', " ~ nodes | join(', ') ~ "]);
            select begin_run('" ~ target_folder | replace("'", "''") ~ "/run_results.json', [" ~ nodes | join(', ') ~ "])
        ") -%}
        {#- killed after its publish, before it could note it -#}
        {%- set publishing = run_query("from duckdb_tables() where database_name = current_database() "
            ~ "and schema_name = 'main' and table_name = 'publishing'").rows -%}
        {%- set is_published = publishing
            and run_query('select build = published_build() from main.publishing').rows[0][0] %}
        {%- do run_query(note_published(is_published) ~ 'drop table if exists main.publishing') -%}
    {%- endif -%}
{%- endmacro %}

{# Whether hooks have work to do: a run that makes tables. #}
{% macro is_build() -%}
    {{ return(execute and target.type == 'duckdb' and flags.WHICH in ['build', 'run', 'seed', 'snapshot']) }}
{%- endmacro %}

{# Whether readers get what this run makes: not on target dev, nor with --empty or --sample. #}
{% macro publishes() -%}
    {{ return(is_build() and run_query('select publishes()').rows[0][0]) }}
{%- endmacro %}

{#
    on-run-end: where nothing is unfinished, of this run or of one that failed or was killed before, the working
    database becomes the warehouse that people query, by one atomic rename. Else nothing is published. The list
    of unfinished work is emptied after that: a publish that fails leaves it, and `dbt retry` publishes.
#}
{% macro end_build(results) -%}
    {%- if is_build() and not publishes() -%}
        {%- do drop_temporary_relations() -%}
        {%- do erase_people() -%}
        {%- do scrub_free_blocks() -%}
        {%- do run_query('delete from main.unfinished') -%}
    {%- elif is_build() -%}
        {%- do drop_temporary_relations() -%}
        {%- do warn_of_unmatched_requests() -%}
        {%- do erase_people() -%}
        {%- do log_held_back(results) -%}
        {%- set succeeded = ['success', 'pass', 'warn', 'no-op'] -%}
        {%- set finished, failed = ["''"], [] -%}
        {%- for result in results -%}
            {%- set node = result.node.unique_id -%}
            {%- do finished.append("'" ~ node ~ "'") if result.status in succeeded else failed.append(node) -%}
        {%- endfor -%}
        {%- do run_query('delete from main.unfinished where node in (' ~ finished | join(', ') ~ ')') -%}
        {%- set nodes = run_query('select node from main.unfinished order by node').columns[0].values() -%}
        {#- a node that the project no longer has cannot be finished -#}
        {%- set left = [] -%}
        {%- for node in (nodes | list + failed) | unique if node in graph.nodes or node in failed -%}
            {%- do left.append(node.split('.')[2]) -%}
        {%- endfor -%}
        {%- if not left and results -%}
            {%- do write_comments() -%}
            {%- do scrub_free_blocks() -%}
            {{ note_published(false) }}
            create or replace table main.publishing as select '{{ invocation_id }}' as build;
            create or replace temp table publish_problem as
            select publish_warehouse({{ names_people() }}) as problem;
            select error(problem) from publish_problem where problem != '';
            {{ note_published(true) }}
            drop table main.publishing;
            delete from main.unfinished;
            {#- else these notes wait in a log beside the working file #}
            checkpoint;
        {%- elif left -%}
            {#- an error of the database, not of the compiler: dbt writes its results, so that `dbt retry` works -#}
            {%- set message =
                'Not published: the warehouse still holds the last good build. Unfinished, by this run or an '
                ~ 'earlier one: ' ~ left[:5] | join(', ')
                ~ (' and ' ~ (left | length - 5) ~ ' more' if left | length > 5)
                ~ '. Mend what failed, then ' ~ ('`dbt retry` or ' if failed) ~ '`dbt build`.' -%}
            {%- set full_disk = run_query('select full_disk()').rows[0][0] -%}
            {%- set message = 'Not published: ' ~ full_disk if full_disk else message -%}
            select error('{{ message | replace("'", "''") }}');
        {%- endif -%}
    {%- endif -%}
{%- endmacro %}

{# Says in the log which campaigns draw no new audience, and why. #}
{% macro log_held_back(results) -%}
    {%- for result in results if result.node.name == 'campaigns' and result.status == 'success' -%}
        {%- set reasons = run_query(
            'select held_back_reason from ' ~ result.node.relation_name
            ~ ' where held_back_reason is not null order by campaign'
        ).columns[0].values() -%}
        {%- for reason in reasons -%}
            {%- do log('WARNING: ' ~ reason, info=true) -%}
        {%- endfor -%}
    {%- endfor -%}
{%- endmacro %}

{#
    Relations that an incremental model made on its way, here and in the file of identities. dbt-duckdb leaves
    those of Python models behind, with all their rows.
#}
{% macro drop_temporary_relations() -%}
    {%- set query -%}
        select table_type, format('"{}"."{}"."{}"', table_catalog, table_schema, table_name)
        from information_schema.tables
        where regexp_matches(table_name, '__dbt_(tmp|backup)') and table_catalog in (current_database(), 'identities')
    {%- endset -%}
    {%- for type, relation in run_query(query).rows -%}
        {%- do run_query('drop ' ~ ('view' if type == 'VIEW' else 'table') ~ ' if exists ' ~ relation) -%}
    {%- endfor -%}
{%- endmacro %}

{#
    Tables that say what was decided once, each with its key. Decisions of a build that was not published are
    forgotten by the next one: main.published_<table> holds the keys that readers have seen.
#}
{% macro records() -%}
    {{ return({'audience_members': ['audience_id', 'entity_id'], 'audience_terms': ['audience_id']}) }}
{%- endmacro %}

{#
    on-run-start and on-run-end: SQL that notes the keys of each record as published. Before the publish,
    `is_published` false: makes the list where there is none, and takes out who has left the record.
#}
{% macro note_published(is_published) -%}
    {%- for record, keys in records().items() %}
        {%- set node = graph.nodes.values() | selectattr('name', 'equalto', record) | first %}
        {%- set is_there = node and run_query(
            "select 1 from information_schema.tables where table_catalog = current_database() and table_schema = '"
            ~ node.schema ~ "' and table_name = '" ~ node.alias ~ "'"
        ).rows %}
        {%- set noted = 'main.published_' ~ record %}
        create {{ 'or replace table' if is_published else 'table if not exists' }} {{ noted }} as
        {%- if is_there %}
        select {{ keys | join(', ') }} from {{ node.schema }}.{{ node.alias }};
        delete from {{ noted }} as noted
        where not exists ({{ same_keys(record, node.schema ~ '.' ~ node.alias, 'noted') }});
        {%- else %}
        select '' as {{ keys | join(", '' as ") }} where false;
        {%- endif %}
    {%- endfor %}
{%- endmacro %}

{# Whether a table has raw identifiers: `app_install_predictions` is one, and no view, where it names phone numbers. #}
{% macro names_people() -%}
    exists (
        from duckdb_tables()
        where database_name = current_database() and schema_name = 'results' and table_name = 'app_install_predictions'
    )
{%- endmacro %}

{# Pre-hook of a record: deletes what no published build decided. #}
{% macro forget_unpublished() -%}
    {%- if execute and load_relation(this) %}
        delete from {{ this }} as records
        where not exists ({{ same_keys(this.identifier, 'main.published_' ~ this.identifier, 'records') }})
    {%- endif -%}
{%- endmacro %}

{% macro same_keys(record, relation, others) -%}
    select 1 from {{ relation }} as present where
    {%- for key in records()[record] %} present.{{ key }} = {{ others }}.{{ key }}{{ ' and' if not loop.last }}{% endfor %}
{%- endmacro %}
