{#
    Rows of a seed (about one source and thing), as dictionaries. The seed's file is read
    itself, so that a run without `dbt seed` follows it too. Base models ref() the seeds.
#}
{% macro seed_rows(seed, source=none, thing=none) %}
    {%- if not execute -%}{{ return([]) }}{%- endif -%}
    {%- set conditions = [] -%}
    {%- if source -%}
        {%- do conditions.append(match_key('source') ~ ' = ' ~ match_key("'" ~ source ~ "'")) -%}
    {%- endif -%}
    {%- if thing -%}{%- do conditions.append("thing = '" ~ thing ~ "'") -%}{%- endif -%}
    {%- set found = query_files(
        "select * from read_csv('" ~ (invocation_args_dict.project_dir ~ '/seeds/' ~ seed ~ '.csv') | replace("'", "''")
        ~ "', header = true, delim = ',', quote = '\"', all_varchar = true)"
        ~ " where " ~ (conditions | join(' and ') or 'true')
    ) -%}
    {%- set rows = [] -%}
    {%- for row in found.rows -%}{%- do rows.append(row.dict()) -%}{%- endfor -%}
    {{ return(rows) }}
{% endmacro %}

{#
    What raw_columns.csv says of a thing's columns, in its order. Each column has
        name, type  text, category (text in lower case), bigint, double, boolean, date,
                    timestamp, interests ({topic: weight}), phone or private (pseudonymised)
        names       what it may be called in a file, first found wins
        is_key, is_required, is_optional (the file may lack it), is_row_number (the row's
                    number stands in where the file lacks it), is_person (whom the row is about)
        codes       lower-case texts that mean: not known
        recoded     raw value in lower case -> clean value (recodings.csv)
        lowest, highest, outside  range of a number; values outside become missing or clipped
        formats     of a date or time, besides ISO 8601
#}
{% macro raw_columns(source, thing) %}
    {%- set columns = [] -%}
    {%- set recodings = seed_rows('recodings', source, thing) -%}
    {%- for row in seed_rows('raw_columns', source, thing) -%}
        {%- set recoded = {} -%}
        {%- for recoding in recodings if recoding.column_name == row.column_name -%}
            {%- do recoded.update({recoding.raw_value | lower: recoding.clean_value}) -%}
        {%- endfor -%}
        {%- set rules = (row.rules or '').split() -%}
        {%- do columns.append({
            'name': row.column_name,
            'type': row.type,
            'names': (row.raw_names or row.column_name).split('|'),
            'is_key': 'key' in rules,
            'is_required': 'key' in rules or 'required' in rules,
            'is_optional': 'optional' in rules or 'row_number' in rules,
            'is_row_number': 'row_number' in rules,
            'is_person': 'person' in rules,
            'codes': (row.missing_codes | lower).split('|') if row.missing_codes else [],
            'recoded': recoded,
            'lowest': row.lowest,
            'highest': row.highest,
            'outside': row.outside,
            'formats': row.formats.split('|') if row.formats else [],
        }) -%}
    {%- endfor -%}
    {{ return(columns) }}
{% endmacro %}
