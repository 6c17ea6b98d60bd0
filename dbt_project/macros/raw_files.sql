{#
    Which raw files a source consists of, and what columns they have.

    Files of yours directly in <data>/<source>/ take the place of all that stands in
    <data>/<source>/default/. A source of several things (coupon: transactions,
    products, ...) tells them by the beginning of the file's name; a source of one
    thing takes every file.
#}
{% macro raw_folder(source) -%}
    {{ env_var('LEADLIGHT_DATA', 'data/raw') }}/{{ source }}
{%- endmacro %}

{% macro has_own_files(source) %}
    {%- set own = run_query(
        "select count(*) from glob('" ~ raw_folder(source) ~ "/*')"
        ~ " where not regexp_matches(file, '(^|/)[.][^/]*$')"
    ) -%}
    {{ return(own.rows[0][0] > 0) }}
{% endmacro %}

{% macro source_kind(source) %}
    {%- if execute and not has_own_files(source) -%}
        {{ return(var('default_inputs')[source]) }}
    {%- endif -%}
    {{ return('own') }}
{% endmacro %}

{% macro source_files(source, thing=none) %}
    {%- set folder = raw_folder(source) -%}
    {%- set own = has_own_files(source) -%}
    {%- set searched = folder if own else folder ~ '/default' -%}
    {%- set found = run_query(
        "select file, regexp_matches(file, '[.](csv|csv[.]gz|parquet)$')"
        ~ " from glob('" ~ searched ~ "/" ~ (thing or '') ~ "*')"
        ~ " where not regexp_matches(file, '(^|/)[.][^/]*$') order by file"
    ) -%}
    {%- for file, is_readable in found.rows if not is_readable -%}
        {{ exceptions.raise_compiler_error(
            file ~ ": neither CSV nor Parquet. Save it as .csv, .csv.gz or .parquet, or move it away."
        ) }}
    {%- endfor -%}
    {%- if not found.rows -%}
        {{ exceptions.raise_compiler_error(
            searched ~ ": no file " ~ (thing ~ "*.csv or " ~ thing ~ "*.parquet" if thing else "*.csv or *.parquet")
            ~ " found. " ~ ("A source's own files replace its whole default: add the missing file." if own
            else "Run `python -m python_models inputs` for the default input, or put your own file into " ~ folder ~ "/.")
        ) }}
    {%- endif -%}
    {{ return(found.columns[0].values() | list) }}
{% endmacro %}

{# Names and types of one file's columns, in its order; for CSV with the delimiter of its header. #}
{% macro file_header(file) %}
    {%- if file.endswith('.parquet') -%}
        {%- set columns = run_query(
            "select column_name, column_type from (describe select * from read_parquet('" ~ file ~ "'))"
        ).columns -%}
        {{ return({
            'file': file, 'delimiter': none,
            'names': columns[0].values() | list, 'types': columns[1].values() | list,
        }) }}
    {%- endif -%}
    {%- set lines = run_query(
        "select ltrim(line, chr(65279)) from read_csv('" ~ file ~ "', auto_detect = false,"
        ~ " header = false, delim = '\x01', quote = '', escape = '',"
        ~ " columns = {'line': 'varchar'}) limit 1"
    ) -%}
    {%- if not lines.rows or not lines.rows[0][0] -%}
        {{ exceptions.raise_compiler_error(
            file ~ ": the file is empty. It needs a header line with the column names, then one line per row."
        ) }}
    {%- endif -%}
    {%- set header = lines.rows[0][0] -%}
    {%- set by_count = namespace(delimiter=',', count=0) -%}
    {%- for delimiter in [',', ';', '\t', '|'] if header.count(delimiter) > by_count.count -%}
        {%- set by_count.delimiter = delimiter -%}
        {%- set by_count.count = header.count(delimiter) -%}
    {%- endfor -%}
    {%- set names = [] -%}
    {%- for name in header.split(by_count.delimiter) -%}
        {%- set plain = name.strip().strip('"').strip() -%}
        {%- if plain | lower in names | map('lower') | list or not plain -%}
            {{ exceptions.raise_compiler_error(
                file ~ ": column " ~ loop.index ~ " of the header, '" ~ plain
                ~ "', is " ~ ("there twice" if plain else "empty") ~ ". Give each column a name of its own."
            ) }}
        {%- endif -%}
        {%- do names.append(plain) -%}
    {%- endfor -%}
    {{ return({
        'file': file, 'delimiter': by_count.delimiter,
        'names': names, 'types': ['VARCHAR'] * names | length,
    }) }}
{% endmacro %}

{#
    Pre-hook: a source's files as the temporary view raw_rows (file_name, row_number, the
    files' columns), and lines that are no rows in raw_rejects (file_name, row_number,
    reason, raw_text). CSV is loaded as text: no guessing.
#}
{% macro load_raw(source, thing=none) %}
    {%- if not execute -%}{{ return('') }}{%- endif -%}
    {%- set folder = raw_folder(source) ~ '/' -%}
    drop table if exists temp.reject_errors;
    drop table if exists temp.reject_scans;
    create or replace temp table raw_rejects (
        file_name varchar, row_number bigint, reason varchar, raw_text varchar
    );
    {% for file in source_files(source, thing) -%}
        {%- set header = file_header(file) -%}
        {%- set file_name = source ~ '/' ~ file[folder | length:] -%}
        create or replace temp {{ 'view' if header.delimiter is none else 'table' }} raw_file_{{ loop.index }} as
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
            min_by(error_message, column_idx),
            min_by(csv_line, column_idx)
        from reject_errors
        where scan_id = (select max(scan_id) from reject_scans)
        group by line;
        -- rows keep the number they have in the file: make room for the rejected
        update raw_file_{{ loop.index }}
        set row_number = numbers.row_number
        from (
            select
                range as row_number,
                row_number() over (order by range) as ordinal
            from range(1, (select count(*) from raw_file_{{ loop.index }})
                + coalesce((select max(row_number) from raw_rejects), 0) + 1)
            where range not in (
                select row_number from raw_rejects where file_name = '{{ file_name }}'
            )
        ) as numbers
        where numbers.ordinal = raw_file_{{ loop.index }}.row_number;
            {%- endif %}
    {% endfor %}
    create or replace temp view raw_rows as
    {% for file in source_files(source, thing) -%}
    select * from raw_file_{{ loop.index }} {{ 'union all by name' if not loop.last }}
    {% endfor %}
{% endmacro %}
