{#
    on-run-end: what the YAML says of a table, view or column becomes its comment in the database, where any client
    shows it. One pass over the graph, whatever kind of model: only what is new or says something else is written.
#}
{% macro write_comments() -%}
    {%- set texts = comment_texts() -%}
    {%- set statements = [] -%}
    {%- for relation in commented_relations() if relation.name in texts -%}
        {%- set wanted = texts[relation.name] -%}
        {#- what hash_raw_identifiers notes about a seed stays -#}
        {%- set note = modules.re.search('(?m)^country_code .*', relation.comment or '') -%}
        {%- set text = wanted.table ~ ('\n' ~ note[0] if note else '') -%}
        {%- if relation.comment != text -%}
            {%- do statements.append(comment_statement(relation.type, relation.name, text)) -%}
        {%- endif -%}
        {%- for column, comment in relation.columns.items() -%}
            {%- set text = wanted.columns.get(column) or wanted.columns.get(column | lower) -%}
            {%- if text and text != comment -%}
                {%- set name = relation.name ~ '."' ~ column ~ '"' -%}
                {%- do statements.append(comment_statement('column', name, text)) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {%- if statements -%}{%- do run_query(statements | join(';\n')) -%}{%- endif -%}
{%- endmacro %}

{% macro comment_statement(type, name, text) -%}
    comment on {{ type }} {{ name }} is '{{ text | replace("'", "''") }}'
{%- endmacro %}

{# Tables and views of the warehouse, each with its comments: one value, because agate guesses at types row by row. #}
{% macro commented_relations() -%}
    {%- set query -%}
        with relations as (
            select database_name, schema_name, table_name, 'table' as type, comment from duckdb_tables()
            union all
            select database_name, schema_name, view_name, 'view', comment from duckdb_views() where not internal
        )

        select to_json(list(described))
        from (
            select
                format('"{}"."{}"."{}"', database_name, schema_name, table_name) as name,
                relations.type,
                relations.comment,
                map_from_entries(list((columns.column_name, columns.comment))) as columns,
            from relations
            inner join duckdb_columns() as columns using (database_name, schema_name, table_name)
            group by all
        ) as described
    {%- endset -%}
    {{ return(fromjson(run_query(query).rows[0][0])) }}
{%- endmacro %}

{#
    Relation -> `table`, the text about it, and `columns`, a text for each. A column that is not described has the
    description of the same column in a model that the model reads, else in one that reads it.
#}
{% macro comment_texts() -%}
    {%- set nodes, described, readers, texts = {}, {}, {}, {} -%}
    {%- for id, node in graph.nodes | dictsort if node.resource_type in ['model', 'snapshot', 'seed'] -%}
        {%- do nodes.update({id: node}) -%}
        {%- set columns = {} -%}
        {%- for column in node.columns.values() if column.description -%}
            {%- do columns.update({column.name: plain_text(column.description)}) -%}
        {%- endfor -%}
        {%- do described.update({id: columns}) -%}
        {%- for parent in node.depends_on.nodes -%}{%- do readers.setdefault(parent, []).append(id) -%}{%- endfor -%}
    {%- endfor -%}
    {%- set attributes = mail_out_descriptions(nodes) -%}
    {%- for id, node in nodes.items() if node.config.materialized != 'ephemeral' -%}
        {%- set columns = {} -%}
        {%- for reader in readers.get(id, []) -%}
            {#- a base model's columns are those of its staging model, which are described where that one is read -#}
            {%- for next in readers.get(reader, []) if node.name.startswith('base_') and '.stg_' in reader -%}
                {%- do columns.update(described[next]) -%}
            {%- endfor -%}
        {%- endfor -%}
        {%- for reader in readers.get(id, []) -%}{%- do columns.update(described[reader]) -%}{%- endfor -%}
        {%- for parent in node.depends_on.nodes if parent.startswith('model.') and parent in nodes -%}
            {%- do columns.update(described[parent]) -%}
        {%- endfor -%}
        {%- if node.fqn[-2] == 'mail_out' -%}{%- do columns.update(attributes) -%}{%- endif -%}
        {%- do columns.update(described[id]) -%}
        {%- do texts.update({relation_text(node): {'table': plain_text(node.description), 'columns': columns}}) -%}
    {%- endfor -%}
    {{ return(texts) }}
{%- endmacro %}

{% macro relation_text(node) %}{{ return('"' ~ [node.database, node.schema, node.alias] | join('"."') ~ '"') }}{% endmacro %}

{# Attribute in lower case -> what the dictionaries of mail_out say of it. #}
{% macro mail_out_descriptions(nodes) -%}
    {%- set texts = {} -%}
    {%- for name in ['mail_out_donor_dictionary', 'mail_out_dictionary'] -%}
        {%- set node = nodes.get('seed.leadlight.' ~ name) -%}
        {%- if node and load_relation(api.Relation.create(node.database, node.schema, node.alias)) -%}
            {%- set query = "select to_json(map_from_entries(list((trim(regexp_replace(lower(attribute), '[^a-z0-9]+', "
                ~ "'_', 'g'), '_'), description)))) from " ~ relation_text(node) -%}
            {%- do texts.update(fromjson(run_query(query).rows[0][0] or '{}')) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(texts) }}
{%- endmacro %}

{# Markdown without its marks: cells of a table stay on their line. #}
{% macro plain_text(markdown) -%}
    {%- set lines = [] -%}
    {%- for line in markdown.replace('`', '').strip().splitlines() if not modules.re.fullmatch('[-:| ]+', line) -%}
        {%- do lines.append(line.strip().strip('|').strip()) -%}
    {%- endfor -%}
    {{ return(lines | join('\n')) }}
{%- endmacro %}
