{#
    The doors to python_models/inputs/raw_files, which writes the SQL that reads, types, checks and cleans raw
    files. A macro asks for it while dbt compiles; the compiled models hold the whole SQL.
#}
{% macro raw_files(ask, source, thing=none, details={}) %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set request = {
        'ask': ask, 'source': source, 'thing': thing, 'has_default': 'default_input' in var('sources').get(source, {}),
        'engine': target.type, 'country_code': var('country_code'),
        'today': var('today') | string,
        'data': env_var('LEADLIGHT_DATA', 'data/raw'), 'seeds': invocation_args_dict.project_dir ~ '/seeds',
    } -%}
    {%- do request.update(details) -%}
    {%- set answer = fromjson(ask_python(tojson(request))) -%}
    {%- if answer.error -%}{{ exceptions.raise_compiler_error(answer.error) }}{%- endif -%}
    {{ return(answer.result) }}
{% endmacro %}

{# The answer of inputs/raw_files/plugin.py to a request: on DuckDB a SQL function, on Spark called by the adapter. #}
{% macro ask_python(request) %}{{ return(adapter.dispatch('ask_python')(request)) }}{% endmacro %}
{% macro default__ask_python(request) %}
    {{ return(run_query("select raw_files('" ~ request | replace("'", "''") ~ "')").rows[0][0]) }}
{% endmacro %}
{% macro spark__ask_python(request) %}
    {{ return(adapter.call_python('python_models.inputs.raw_files.plugin', 'answer', request)) }}
{% endmacro %}

{#
    Body of a base model: every row of a source's files, typed as raw_columns.csv says (base_table.BaseTable).

    others: whether columns that raw_columns.csv does not name come through, as found
    part:   SQL over file_name: which part of the source a file is; part of the key
    faults: list of {condition, reason}, SQL over the typed columns, for rules of this thing
#}
{% macro typed_rows(source, thing, others=false, part=none, faults=[]) -%}
    {#- what the rows depend on; `source` itself is an argument here -#}
    {%- do builtins.source(source, thing) -%}
    {%- do ref('raw_columns') -%}{%- do ref('recodings') -%}{%- do ref('erasure_requests') -%}
    {%- set rows = raw_files('base_table', source, thing, {
        'others': others, 'part': part, 'checks': faults, 'relation': this | string, 'read_versions': read_versions(),
    }) -%}
    {{- 'select * from (\n' ~ rows ~ '\n) as read_files limit 0' if flags.EMPTY and rows else rows -}}
{%- endmacro %}

{# Name of each file that the model's table holds -> the version that was read. #}
{% macro read_versions() %}
    {%- set relation = load_relation(this) if execute and target.type == 'duckdb' and not flags.FULL_REFRESH -%}
    {%- set versions = {} -%}
    {%- if relation and 'file_version' in adapter.get_columns_in_relation(relation) | map(attribute='name') -%}
        {%- for name, version in run_query('select distinct file_name, file_version from ' ~ this).rows -%}
            {%- do versions.update({name: version}) -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(versions) }}
{% endmacro %}

{#
    Pre-hook: a source's files as the temporary view raw_rows, and lines that are no rows in raw_rejects. On Spark
    temporary views are shared by everybody: their names end in source and thing.
#}
{% macro load_raw(source, thing) %}{{ return(adapter.dispatch('load_raw')(source, thing)) }}{% endmacro %}
{% macro default__load_raw(source, thing) %}
    {%- set found = modules.re.search('-- known files: (.*)', model.compiled_code or '') -%}
    {%- set known = fromjson(found[1]) if found else [] -%}
    {{ return(raw_files('load_statements', source, thing, {'known': known}) | join('\n')) }}
{% endmacro %}
{% macro spark__load_raw(source, thing) %}
    {%- for statement in raw_files('load_statements', source, thing) -%}{%- do run_query(statement) -%}{%- endfor -%}
{% endmacro %}

{#
    Phone numbers and other identifiers as they are, of the rows that a base model keeps: for the way back from
    pseudonyms only. Reads what load_raw has put into raw_rows.
#}
{% macro identified_rows(source, thing) -%}
    {%- set base = ref('base_' ~ source ~ '__' ~ thing) | string -%}
    {{- raw_files('identified_rows', source, thing, {'relation': base}) -}}
{%- endmacro %}

{#
    The kept rows of a base model, with what rows of later files fill in.

    others: as in typed_rows
    item:   SQL of one more column, over the base model
#}
{% macro kept_rows(source, thing, others=false, item=none) -%}
    {%- set base = ref('base_' ~ source ~ '__' ~ thing) | string -%}
    {{- raw_files('kept_rows', source, thing, {'relation': base, 'others': others, 'item': item}) -}}
{%- endmacro %}

{# Those rows, their values cleaned as raw_columns.csv and recodings.csv say. #}
{% macro cleaned_rows(source, thing) -%}
    {%- set base = ref('base_' ~ source ~ '__' ~ thing) | string -%}
    {{- raw_files('cleaned_rows', source, thing, {'relation': base}) -}}
{%- endmacro %}

{# What raw_columns.csv says of a thing's columns, in its order: the attributes of columns.RawColumn. #}
{% macro raw_columns(source, thing) %}{{ return(raw_files('columns', source, thing) or []) }}{% endmacro %}

{# The attributes of mail_out: those of cleaning.Attribute. Only values show whether some texts are numbers. #}
{% macro mail_out_attributes() %}
    {%- set people = ref('base_mail_out__people') -%}
    {%- if not execute or not load_relation(people) -%}{{ return([]) }}{%- endif -%}
    {%- set columns = [] -%}
    {%- for column in adapter.get_columns_in_relation(people) -%}
        {%- do columns.append({'name': column.name, 'type': column.dtype}) -%}
    {%- endfor -%}
    {%- set details = {'columns': columns, 'relation': people | string, 'counts': []} -%}
    {%- set query = raw_files('attribute_counts', 'mail_out', 'people', details) -%}
    {%- do details.update({'counts': run_query(query).rows[0].values() | map('int') | list if query else []}) -%}
    {{ return(raw_files('attributes', 'mail_out', 'people', details)) }}
{% endmacro %}

{# own (a file directly in the source's folder), or what the default input is: public or sample. #}
{% macro source_kind(source) %}
    {{ return('own' if raw_files('has_own_files', source) else var('sources').get(source, {}).get('default_input', 'own')) }}
{% endmacro %}

{#
    on-run-start: stop where the published build read a source's own files and none is left. Its default input would
    take their place: a folder that is not mounted would publish audiences of made-up people.
#}
{% macro check_own_files() %}
    {%- if is_build() -%}
        {%- set answer = fromjson(run_query('select published_own_files()').rows[0][0]) -%}
        {%- if answer.error -%}{{ exceptions.raise_compiler_error(answer.error) }}{%- endif -%}
        {%- for source, file in answer.result.items()
            if source in listed_sources() and source_kind(source) != 'own' and source not in var('allow_default') -%}
            {{ exceptions.raise_compiler_error(
                env_var('LEADLIGHT_DATA', 'data/raw') ~ '/' ~ source ~ ': no file is left here; the published '
                ~ 'warehouse was built from files such as ' ~ file ~ ". Put them back, or mount their folder. To "
                ~ "build from the source's default input instead, add --vars 'allow_default: [" ~ source ~ "]'."
            ) }}
        {%- endfor -%}
    {%- endif -%}
{% endmacro %}

{# When a thing's newest file was written: for `dbt source freshness`. No file is read for it. #}
{% macro newest_file(source, thing) -%}{{ raw_files('newest_file', source, thing) }}{%- endmacro %}
