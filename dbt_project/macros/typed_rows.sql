{#
    Body of a base model: every row of a source's files, typed, each one either kept
    (reject_reason is null) or rejected with its reason and text. Reads what load_raw
    has put into raw_rows and raw_rejects.

    columns: list of {name, type, from, required, optional, row_number}
        type       varchar, bigint, double, boolean, date or timestamp
        from       the names it may have in the file, first found wins; default: name
        required   every row must have a value
        optional   the file may lack the column (then null)
        row_number the row's number in its file stands in where the file lacks the column
    key: columns that no two rows may share; the later row is rejected
#}
{% macro typed_rows(source, thing, columns, key=[]) %}
{%- set found = find_columns(source, thing, columns) -%}
{%- set faults = ['repetitions.occurrence > 1'] if key else [] -%}
{%- for column in columns -%}
    {%- if column.required -%}{%- do faults.append(column.name ~ ' is null') -%}{%- endif -%}
    {%- if column.type != 'varchar' and not found[column.name].is_safe -%}
        {%- do faults.append(
            '(' ~ column.name ~ ' is not null and ' ~ typed_value(column, found[column.name]) ~ ' is null)'
        ) -%}
    {%- endif -%}
{%- endfor -%}
with as_found as (
    select
        file_name,
        row_number,
        {%- for column in columns %}
        {%- set raw = found[column.name] %}
        {%- if not raw.names %}
        {{ 'row_number' if column.row_number else 'cast(null as varchar)' }} as {{ column.name }},
        {%- elif raw.is_text %}
        nullif(trim(coalesce("{{ raw.names | join('", "') }}")), '') as {{ column.name }},
        {%- else %}
        coalesce("{{ raw.names | join('", "') }}") as {{ column.name }},
        {%- endif %}
        {%- endfor %}
    from raw_rows
),
{% if key %}
repeated_keys as (
    select {{ key | join(', ') }}
    from as_found
    group by all
    having count(*) > 1
),

repetitions as (
    select
        as_found.file_name,
        as_found.row_number,
        row_number() over (
            partition by {% for name in key %}as_found.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
            order by as_found.file_name, as_found.row_number
        ) as occurrence,
    from as_found
    inner join repeated_keys using ({{ key | join(', ') }})
    qualify occurrence > 1
),
{% endif %}
typed as (
    select
        as_found.file_name,
        as_found.row_number,
        {%- for column in columns %}
        {{ typed_value(column, found[column.name]) }} as {{ column.name }},
        {%- endfor %}
        -- words are made for faulty rows only: there are millions of others
        case when {{ faults | join(' or ') or 'false' }} then concat_ws('; ',
            {%- for column in columns %}
            {%- set label = (found[column.name].names or [column.name])[0] %}
            {%- if column.required %}
            case when {{ column.name }} is null then 'column ''{{ label }}'' is empty' end,
            {%- endif %}
            {%- if column.type != 'varchar' and not found[column.name].is_safe %}
            case
                when {{ column.name }} is not null and {{ typed_value(column, found[column.name]) }} is null
                    then 'column ''{{ label }}'': ''' || cast({{ column.name }} as varchar) || ''' is not {{ {
                        'bigint': 'a whole number', 'double': 'a number', 'boolean': 'yes or no',
                        'date': 'a date (YYYY-MM-DD)', 'timestamp': 'a time (YYYY-MM-DD HH:MM:SS)',
                    }[column.type] }}'
            end,
            {%- endif %}
            {%- endfor %}
            {%- if key %}
            case
                when repetitions.occurrence > 1
                    then concat(
                        'duplicated key:'
                        {%- for name in key %}, ' {{ name }} ''', {{ name }}, ''''{% endfor -%}
                        , ' is already there'
                    )
            end,
            {%- endif %}
            null
        ) end as reject_reason,
        case
            when reject_reason is not null
                then concat_ws(','{% for column in columns %}, coalesce(cast({{ column.name }} as varchar), ''){% endfor %})
        end as raw_text,
    from as_found
    {%- if key %}
    left join repetitions using (file_name, row_number)
    {%- endif %}
),

all_rows as (
    select * from typed

    union all by name

    select
        file_name,
        row_number,
        reason as reject_reason,
        raw_text,
    from raw_rejects
)

select * from all_rows
{% endmacro %}


{#
    A value of as_found as its declared type; null where it can't be read as one. Text is
    a whole number only without a fraction: '30.0' is 30, '30.5' is nothing.
#}
{% macro typed_value(column, found) -%}
    {%- if column.type == 'varchar' -%}
        cast({{ column.name }} as varchar)
    {%- elif column.type == 'bigint' and not found.is_safe -%}
        case when try_cast({{ column.name }} as double) % 1 = 0 then try_cast({{ column.name }} as bigint) end
    {%- else -%}
        try_cast({{ column.name }} as {{ column.type }})
    {%- endif -%}
{%- endmacro %}


{#
    column name -> {
        names: what it is called in the files,
        is_text: whether any file holds it as text,
        is_safe: whether every file holds it in a type that always fits
    }
#}
{% macro find_columns(source, thing, columns) %}
    {%- set found = {} -%}
    {%- for column in columns -%}
        {%- do found.update({column.name: {'names': [], 'is_text': false, 'is_safe': true}}) -%}
    {%- endfor -%}
    {%- for file in (source_files(source, thing) if execute else []) -%}
        {%- set header = file_header(file) -%}
        {%- set lower_names = header.names | map('lower') | list -%}
        {%- for column in columns -%}
            {%- set aliases = column.get('from', [column.name]) | map('lower') | list -%}
            {%- set here = aliases | select('in', lower_names) | map('lower') | list -%}
            {%- if here -%}
                {%- set position = lower_names.index(here[0]) -%}
                {%- set name = header.names[position] -%}
                {%- set entry = found[column.name] -%}
                {%- if name not in entry.names -%}{%- do entry.names.append(name) -%}{%- endif -%}
                {%- set type = header.types[position] | lower -%}
                {%- set fits = type == column.type or type == 'integer' and column.type == 'bigint' -%}
                {%- do entry.update({
                    'is_text': entry.is_text or type == 'varchar', 'is_safe': entry.is_safe and fits,
                }) -%}
            {%- elif not column.optional and not column.row_number -%}
                {{ exceptions.raise_compiler_error(
                    file ~ ": column '" ~ aliases | join("' or '") ~ "' is missing; the file has "
                    ~ header.names | join(', ') ~ ". Rename or add the column."
                ) }}
            {%- endif -%}
        {%- endfor -%}
    {%- endfor -%}
    {{ return(found) }}
{% endmacro %}
