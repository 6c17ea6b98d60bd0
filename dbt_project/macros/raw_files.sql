{#
    Which raw files a source consists of, and what columns they have.

    Files of yours directly in <data>/<source>/ take the place of all that stands in
    <data>/<source>/default/. A source of several things (coupon: transactions,
    products, ...) tells them by the beginning of the file's name; a source of one
    thing takes every file.
#}
{# own (a file directly in the source's folder), or what the default input is: public or sample. #}
{% macro source_kind(source) %}
    {%- set folder = env_var('LEADLIGHT_DATA', 'data/raw') | replace("'", "''") ~ '/' ~ source -%}
    {%- set own = query_files(
        "select count(*) from glob('" ~ folder ~ "/*')"
        ~ " where not regexp_matches(file, '(^|/)[.][^/]*$')"
    ).rows[0][0] if execute -%}
    {{ return('own' if own else var('sources').get(source, {}).get('default_input', 'own')) }}
{% endmacro %}

{# Names of a thing's files, in order; the files of your own, or else the default input. #}
{% macro raw_file_names(source, thing) %}
    {%- set folder = env_var('LEADLIGHT_DATA', 'data/raw') | replace("'", "''") ~ '/' ~ source -%}
    {%- set own = source_kind(source) == 'own' -%}
    {%- set searched = folder if own else folder ~ '/default' -%}
    {%- set things = seed_rows('raw_columns', source) | map(attribute='thing') | unique | list -%}
    {%- set beginning = thing if things | length > 1 else '' -%}
    {%- set found = query_files(
        "select file, regexp_matches(file, '[.](csv|csv[.]gz|parquet)$')"
        ~ " from glob('" ~ searched ~ "/" ~ beginning ~ "*')"
        ~ " where not regexp_matches(file, '(^|/)[.][^/]*$') order by file"
    ) -%}
    {%- for file, is_readable in found.rows if not is_readable -%}
        {{ exceptions.raise_compiler_error(
            file ~ ": neither CSV nor Parquet. Save it as .csv, .csv.gz or .parquet, or move it away."
        ) }}
    {%- endfor -%}
    {%- if not found.rows -%}
        {{ exceptions.raise_compiler_error(
            searched ~ ": no file " ~ beginning ~ "*.csv or " ~ beginning ~ "*.parquet"
            ~ " found. " ~ ("A source's own files replace its whole default: add the missing file." if own
            else "Run `python -m python_models inputs` for the default input, or put your own file into " ~ folder ~ "/.")
        ) }}
    {%- endif -%}
    {{ return(found.columns[0].values() | map('replace', "'", "''") | list) }}
{% endmacro %}

{# When a thing's newest file was written: for `dbt source freshness`. No file is read for it. #}
{% macro newest_file(source, thing) -%}
    select max(last_modified) from read_blob(['{{ raw_file_names(source, thing) | join("', '") }}'])
{%- endmacro %}

{#
    A thing's files with what they hold: {file, delimiter, names, types}, names and types of
    the columns in the file's order; for CSV with the delimiter of its header.
#}
{% macro source_files(source, thing) %}
    {%- set headers = [] -%}
    {%- for file in raw_file_names(source, thing) -%}
        {%- set fault = query_files("select file_fault('" ~ file ~ "')").rows[0][0] -%}
        {%- if fault -%}{{ exceptions.raise_compiler_error(file ~ ": " ~ fault) }}{%- endif -%}
        {%- if file.endswith('.parquet') -%}
            {%- set columns = query_files(
                "select column_name, column_type from (describe select * from read_parquet('" ~ file ~ "'))"
            ).columns -%}
            {%- do headers.append({
                'file': file, 'delimiter': none,
                'names': columns[0].values() | list, 'types': columns[1].values() | list,
            }) -%}
        {%- else -%}
            {%- set header = fromjson(query_files("select csv_columns('" ~ file ~ "')").rows[0][0]) -%}
            {%- set names = [] -%}
            {%- for plain in header.names -%}
                {%- if plain | lower in names | map('lower') | list or not plain -%}
                    {{ exceptions.raise_compiler_error(
                        file ~ ": column " ~ loop.index ~ " of the header, '" ~ plain
                        ~ "', is " ~ ("there twice" if plain else "empty") ~ ". Give each column a name of its own."
                    ) }}
                {%- endif -%}
                {%- do names.append(plain) -%}
            {%- endfor -%}
            {%- do headers.append({
                'file': file, 'delimiter': header.delimiter,
                'names': names, 'types': ['VARCHAR'] * names | length,
            }) -%}
        {%- endif -%}
    {%- endfor -%}
    {{ return(headers) }}
{% endmacro %}

{# Rows of a query about raw files and seeds (names, headers, faults), not about their data. #}
{% macro query_files(sql) %}{{ return(adapter.dispatch('query_files')(sql)) }}{% endmacro %}
{% macro default__query_files(sql) %}{{ return(run_query(sql)) }}{% endmacro %}
{% macro spark__query_files(sql) %}{{ return(adapter.query_files(sql)) }}{% endmacro %}

{#
    Pre-hook: a source's files as the temporary view raw_rows (file_name, row_number, the
    files' columns), and lines that are no rows in raw_rejects (file_name, row_number,
    reason, raw_text). CSV is loaded as text: no guessing.
#}
{% macro load_raw(source, thing) %}{{ return(adapter.dispatch('load_raw')(source, thing)) }}{% endmacro %}

{% macro default__load_raw(source, thing) %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set folder = env_var('LEADLIGHT_DATA', 'data/raw') | replace("'", "''") ~ '/' ~ source ~ '/' -%}
    create or replace temp table raw_rejects (
        file_name varchar, row_number bigint, reason varchar, raw_text varchar
    );
    {#- files whose rows are known are not read; their columns are there -#}
    {%- set said = modules.re.search('-- known files: (.*)', model.compiled_code or '') -%}
    {%- set known = fromjson(said[1]) if said else [] -%}
    {%- if known | length == raw_file_names(source, thing) | length -%}{{ return('') }}{%- endif -%}
    {% set names = [] -%}
    {%- for header in source_files(source, thing) -%}
        {%- set file = header.file -%}
        {%- set file_name = source ~ '/' ~ file[folder | length:] -%}
        {%- set is_known = file_name in known -%}
        {%- set name = ('raw_parquet_' if header.delimiter is none else 'raw_csv_') ~ loop.index -%}
        {%- do names.append(name) %}
        {%- if is_known %}
        create or replace temp view {{ name }} as
        select
            '' as file_name,
            cast(0 as bigint) as row_number,
            {%- for name in header.names %}
            cast(null as {{ header.types[loop.index0] }}) as "{{ name | replace('"', '""') }}",
            {%- endfor %}
        where false;
        {%- else %}
        drop table if exists temp.reject_errors;
        drop table if exists temp.reject_scans;
        create or replace temp {{ 'view' if header.delimiter is none else 'table' }} {{ name }} as
        select
            '{{ file_name }}' as file_name,
            {% if header.delimiter is none -%}
            file_row_number + 1 as row_number,
            * exclude (file_row_number)
        from read_parquet('{{ file }}', file_row_number = true);
            {%- else -%}
            row_number() over () as row_number,
            *
        from read_csv(
            '{{ file }}', auto_detect = false, header = true, store_rejects = true,
            delim = '{{ header.delimiter }}', quote = '"', escape = '"',
            columns = { {%- for name in header.names -%}
                '{{ name.replace("'", "''") }}': 'varchar' {{- ', ' if not loop.last -}}
            {%- endfor -%} }
        );
        insert into raw_rejects
        select
            '{{ file_name }}',
            line - 1,
            concat(
                min_by(error_message, coalesce(column_idx, 0)),
                -- an open quote reaches to the next one; of a long line the reader tells the
                -- beginning only, and of a large file's open quote not all that it loses by it
                if(
                    any_value(missing.line_count) > if(max(len(csv_line)) < 10000, 1000, 0),
                    concat('; open quotes in this file take in up to ', any_value(missing.line_count), ' other lines'),
                    nullif(concat(
                        '; it takes in the ',
                        max(len(rtrim(csv_line, chr(10))) - len(replace(rtrim(csv_line, chr(10)), chr(10), ''))),
                        ' lines after it'
                    ), '; it takes in the 0 lines after it')
                )
            ),
            min_by(csv_line, coalesce(column_idx, 0))
        from reject_errors
        cross join (
            select
                if(
                    bool_or(error_type in ('UNQUOTED VALUE', 'LINE SIZE OVER MAXIMUM')),
                    line_count('{{ file }}') - 1 - (select count(*) from {{ name }}) - count(distinct line),
                    0
                ) as line_count
            from reject_errors
        ) as missing
        group by line;
        -- rows keep the number they have in the file: make room for the rejected
        update {{ name }}
        set row_number = numbers.row_number
        from (
            select
                range as row_number,
                row_number() over (order by range) as ordinal
            from range(1, (
                select if(count(*) = 0, 1, max(row_number) + 1 + (select count(*) from {{ name }}))
                from raw_rejects where file_name = '{{ file_name }}'
            ))
            where range not in (
                select row_number from raw_rejects where file_name = '{{ file_name }}'
            )
        ) as numbers
        where numbers.ordinal = {{ name }}.row_number;
            {%- endif %}
        {%- endif %}
    {% endfor %}
    create or replace temp view raw_rows as
    {% for name in names -%}
    select * from {{ name }} {{ 'union all by name' if not loop.last }}
    {% endfor %}
{% endmacro %}


{#
    The same on Spark, where temporary views are everybody's: the thing is part of their name.
    A file of text is read by one task, so that rows have their number in the file; Spark tells
    that a line has not the header's columns, but not how many it has.
#}
{% macro spark__load_raw(source, thing) %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set folder = env_var('LEADLIGHT_DATA', 'data/raw') | replace("'", "''") ~ '/' ~ source ~ '/' -%}
    {%- set headers = source_files(source, thing) -%}
    {%- set names = [] -%}
    {%- for name in headers | map(attribute='names') | sum(start=[]) if name | lower not in names | map('lower') -%}
        {%- do names.append(name) -%}
    {%- endfor -%}
    {%- set rows, rejects = [], [] -%}
    {%- for header in headers -%}
        {%- set file_name = source ~ '/' ~ header.file[folder | length:] -%}
        {%- set present = header.names | map('lower') | list -%}
        {%- set columns = [] -%}
        {%- for name in names -%}
            {%- do columns.append(('' if name | lower in present else 'null as ') ~ '`' ~ name ~ '`') -%}
        {%- endfor -%}
        {%- if header.delimiter is none -%}
            {%- do rows.append(
                "select '" ~ file_name ~ "' as file_name, _metadata.row_index + 1 as row_number, "
                ~ columns | join(', ') ~ " from parquet.`" ~ header.file ~ "`"
            ) -%}
        {%- else -%}
            {%- set view = ['raw', source, thing, loop.index] | join('_') -%}
            {%- do run_query(
                "create or replace temporary view `" ~ view ~ "_lines` (`"
                ~ header.names | join('` string, `') ~ "` string, unread_line string) using csv options ("
                ~ "path '" ~ header.file ~ "', sep '" ~ header.delimiter ~ "', header 'true', multiLine 'true', "
                ~ "quote '\"', escape '\"', maxCharsPerColumn '-1', columnNameOfCorruptRecord 'unread_line')"
            ) -%}
            {%- do run_query(
                "create or replace temporary view `" ~ view ~ "` as "
                ~ "select *, monotonically_increasing_id() + 1 as row_number from " ~ view ~ "_lines"
            ) -%}
            {%- do run_query('cache table ' ~ view) -%}
            {%- do rows.append(
                "select '" ~ file_name ~ "' as file_name, row_number, " ~ columns | join(', ')
                ~ " from " ~ view ~ " where unread_line is null"
            ) -%}
            {%- do rejects.append(
                "select '" ~ file_name ~ "' as file_name, row_number, "
                ~ "'not the " ~ header.names | length ~ " columns of the header' as reason, "
                ~ "unread_line as raw_text from " ~ view ~ " where unread_line is not null"
            ) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- do rejects.append(
        "select '' as file_name, cast(0 as bigint) as row_number, '' as reason, '' as raw_text where false"
    ) -%}
    {%- for kind, parts in [('rows', rows), ('rejects', rejects)] -%}
        {%- do run_query(
            "create or replace temporary view `raw_" ~ kind ~ '_' ~ source ~ '_' ~ thing
            ~ "` as " ~ parts | join(' union all ')
        ) -%}
    {%- endfor -%}
{% endmacro %}
