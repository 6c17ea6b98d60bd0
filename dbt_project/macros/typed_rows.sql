{#
    Body of a base model: every row of a source's files, typed as raw_columns.csv says.
    Reads what load_raw has put into raw_rows and raw_rejects.

    row_status     kept, rejected, duplicate (equal to an earlier row of the same key) or
                   erased (on request: nothing but its place is left)
    reject_reason  why a row is not kept, raw_text what stands in the file
    coded_missing  columns whose value was a code for missing that is no such type ('N/A')
    content_hash   of what the row says besides its key
    file_version   size and time of the file, and a hash of the rules by which it was read

    others: whether columns that raw_columns.csv does not name come through, as found
    part:   SQL over file_name: which part of the source a file is; part of the key
    faults: list of {condition, reason}, SQL over the typed columns, for rules of this thing

    Files are read once: as far as the list of files begins as it did, with the same sizes and
    times, and the rules below are the same, their rows are taken over from the last build.
#}
{% macro typed_rows(source, thing, others=false, part=none, faults=[]) -%}
    {#- what the rows depend on; `source` itself is an argument here -#}
    {%- do builtins.source(source, thing) -%}
    {%- do ref('raw_columns') -%}{%- do ref('recodings') -%}{%- do ref('erasure_requests') -%}
    {%- set rows = rows_of_files(source, thing, others, part, faults) -%}
    {%- if not execute -%}
        {{ rows }}
    {%- elif target.type != 'duckdb' -%}
        select *, cast(null as varchar) as file_version from ({{ rows }}) as read_rows
    {%- else -%}
        {%- set rules = local_md5(rows ~ query_files("select concat(version(), pseudonym('rules'))").rows[0][0]) -%}
        {%- set versions = file_versions(source, thing, rules) -%}
        {%- set known = known_files(versions, source) -%}
        {%- if known -%}
            {#- load_raw, the pre-hook, finds it here -#}
            -- known files: {{ tojson(known) }}
        {%- endif %}
        {%- if known | length < versions | length %}
        with versions as (
            {%- for file_name, version in versions.items() %}
            select '{{ file_name }}' as file_name, '{{ version }}' as file_version
            {{- ' union all' if not loop.last }}
            {%- endfor %}
        ),

        read_rows as (
            {{ rows_of_files(source, thing, others, part, faults, known) if known else rows }}
        )

        select read_rows.*, versions.file_version
        from read_rows
        left join versions on read_rows.file_name = versions.file_name
        {{ 'union all by name' if known }}
        {%- endif %}
        {%- if known %}

        select * from {{ this }}
        where file_name in ('{{ known | join("', '") }}')
        {%- endif %}
    {%- endif %}
{%- endmacro %}

{# What of a file a row was read from, and by which rules: file_name -> text. #}
{% macro file_versions(source, thing, rules) %}
    {%- set folder = env_var('LEADLIGHT_DATA', 'data/raw') | replace("'", "''") ~ '/' ~ source ~ '/' -%}
    {%- set files = source_files(source, thing) | map(attribute='file') | list -%}
    {%- set found = query_files(
        "select filename, concat('v', size, ' ', epoch_us(last_modified)) from read_blob(['"
        ~ files | join("', '") ~ "']) order by filename"
    ) -%}
    {%- set versions = {} -%}
    {%- for file, version in found.rows -%}
        {%- do versions.update({
            source ~ '/' ~ (file | replace("'", "''"))[folder | length:]: version ~ ' ' ~ rules
        }) -%}
    {%- endfor -%}
    {{ return(versions) }}
{% endmacro %}

{#
    Names of the files at the beginning of the list that the last build read as they are. Which of two equal
    keys came first depends on all files before: from the first change on all are read again. So is a
    source of which somebody asked to be forgotten: no key is left of his rows.
#}
{% macro known_files(versions, source) %}
    {%- set relation = load_relation(this) -%}
    {%- set known = [] -%}
    {%- if relation and not flags.FULL_REFRESH and not seed_rows('erasure_requests', source)
        and 'file_version' in adapter.get_columns_in_relation(relation) | map(attribute='name') -%}
        {%- set read = {} -%}
        {%- for file_name, version in run_query(
            'select distinct file_name, file_version from ' ~ this ~ ' order by file_name'
        ).rows -%}
            {%- do read.update({file_name | replace("'", "''"): version}) -%}
        {%- endfor -%}
        {%- set order = {'is_same': true} -%}
        {%- for file_name in (versions | list + read | list) | unique | sort(case_sensitive=true)
            if order.is_same -%}
            {%- if versions.get(file_name) == read.get(file_name) -%}
                {%- do known.append(file_name) -%}
            {%- else -%}
                {%- do order.update({'is_same': false}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(known) }}
{% endmacro %}

{#
    Phone numbers and other identifiers as they are, of the rows that a base model keeps: for the way back
    from pseudonyms only. Reads what load_raw has put into raw_rows.
#}
{% macro identified_rows(source, thing) -%}
    {%- set columns = raw_columns(source, thing) | selectattr('type', 'in', ['phone', 'private']) | list -%}
    {%- set found = find_columns(source, thing, columns) -%}
    select distinct
        {%- for column in columns %}
        {{ typed_value(column, false, reveals=true) }} as {{ column.name }},
        {%- endfor %}
    from (
        select
            {%- for column in columns %}
            {%- set names = found[column.name].names %}
            {{ 'nullif(trim(cast(coalesce("' ~ names | join('", "') ~ '") as varchar)), \'\')' if names else 'null' }}
                as raw_{{ column.name }},
            {%- endfor %}
        from raw_rows
        semi join {{ ref('base_' ~ source ~ '__' ~ thing) }} as base
            on raw_rows.file_name = base.file_name and raw_rows.row_number = base.row_number
                and base.row_status = 'kept'
    )
{%- endmacro %}

{% macro rows_of_files(source, thing, others, part, faults, known=[]) %}
{%- set columns = raw_columns(source, thing) -%}
{%- set found = find_columns(source, thing, columns, others) -%}
{%- set key = columns | selectattr('is_key') | map(attribute='name') | list -%}
{%- if part -%}{%- do key.append('part') -%}{%- endif -%}
{%- set person = columns | selectattr('is_person') | map(attribute='name') | first -%}
{%- set whom = match_key('cast(judged.' ~ person ~ ' as varchar)') -%}
{#- the pages of `dbt docs` show compiled SQL, and are not to name who asked to be erased -#}
{%- set erasures = person and flags.WHICH != 'generate'
    and seed_rows('erasure_requests', source) | selectattr('customer_id') | list -%}
{%- set is_personal = columns | selectattr('type', 'in', ['phone', 'private']) | list | length > 0 -%}
{#- Spark's temporary views are everybody's -#}
{%- set view_suffix = '_' ~ source ~ '_' ~ thing if target.type == 'spark' else '' -%}
{#- what is left of a row of which there is nothing but its place -#}
{%- set blanks = [] -%}
{%- if part -%}{%- do blanks.append('null as part') -%}{%- endif -%}
{%- for name in columns | map(attribute='name') | list + found.get('others', {}) | list -%}
    {%- do blanks.append('null as "' ~ name ~ '"') -%}
{%- endfor -%}
{%- set tests, coded = [], [] -%}
{%- for column in columns -%}
    {%- if column.is_required -%}
        {%- do tests.append(column.name ~ ' is null') -%}
    {%- endif -%}
    {%- if not found[column.name].is_safe -%}
        {%- do tests.append('(raw_' ~ column.name ~ ' is not null and ' ~ column.name ~ ' is null'
            ~ (' and not is_coded_' ~ column.name if column.codes and column.type not in ['text', 'category'])
            ~ ')') -%}
        {%- if column.codes and column.type not in ['text', 'category'] -%}{%- do coded.append(column) -%}{%- endif -%}
    {%- endif -%}
{%- endfor -%}
{%- for fault in faults -%}{%- do tests.append('(' ~ fault.condition ~ ')') -%}{%- endfor -%}
{#- one file's rows are their own key; several files' rows need the file's name besides -#}
{%- set own_key = "concat(file_name, ' ', row_number)" if found.file_count > 1 else 'cast(row_number as varchar)' -%}
{#- text without blanks around it, null where nothing is left; trim alone is slow on long texts -#}
{%- set trimmed = "nullif(if(starts_with({0}, ' ') or ends_with({0}, ' '), trim({0}), {0}), '')" -%}
with as_found as not materialized (
    select
        file_name,
        row_number,
        {%- if part %}
        {{ part }} as part,
        {%- endif %}
        {%- for column in columns %}
        {%- set raw = found[column.name] %}
        {%- if not raw.names %}
        {{ own_key if column.is_row_number else 'cast(null as varchar)' }} as raw_{{ column.name }},
        {%- elif column.is_row_number and raw.lacking %}
        if(
            file_name in ('{{ raw.lacking | join("', '") }}'),
            {{ own_key }}, {{ trimmed.format('cast(coalesce("' ~ raw.names | join('", "') ~ '") as varchar)') }}
        ) as raw_{{ column.name }},
        {%- elif raw.is_text %}
        {{ trimmed.format('coalesce("' ~ raw.names | join('", "') ~ '")') }} as raw_{{ column.name }},
        {%- else %}
        coalesce("{{ raw.names | join('", "') }}") as raw_{{ column.name }},
        {%- endif %}
        {%- endfor %}
        {%- for name, is_text in found.get('others', {}).items() %}
        {{ trimmed.format('"' ~ name ~ '"') if is_text else '"' ~ name ~ '"' }} as "{{ name }}",
        {%- endfor %}
    from raw_rows{{ view_suffix }}
),

{% if key %}
keyed as not materialized (
    select
        *,
        {%- for column in columns if column.is_key %}
        {{ typed_value(column, found[column.name].is_safe) }} as {{ column.name }},
        {%- endfor %}
    from as_found
    {%- if known %}

    union all by name

    select file_name, row_number, {{ key | join(', ') }}, content_hash
    from {{ this }}
    where content_hash is not null and file_name in ('{{ known | join("', '") }}')
    {%- endif %}
),

repeated_keys as (
    select {{ key | join(', ') }}
    from keyed
    group by all
    having count(*) > 1
),

repetitions as (
    select
        keyed.file_name,
        keyed.row_number,
        row_number() over by_key as occurrence,
        {{ 'coalesce(keyed.content_hash, ' if known -}}
        hash(0
            {%- for column in columns if not column.is_key -%}
            , {{ typed_value(column, false) if column.type == 'phone' else 'keyed.raw_' ~ column.name }}
            {%- endfor %}
            {%- for name in found.get('others', {}) %}, keyed."{{ name }}"{% endfor %})
        {{- ')' if known }} as content,
        content = first_value(content) over by_key as is_equal,
    from keyed
    inner join repeated_keys using ({{ key | join(', ') }})
    window by_key as (
        partition by {% for name in key %}keyed.{{ name }}{{ ', ' if not loop.last }}{% endfor %}
        order by keyed.file_name, keyed.row_number
    )
    qualify occurrence > 1
),
{% endif %}
parsed as (
    select
        as_found.*,
        {%- for column in columns if column.type == 'interests' %}
        try_cast(try_cast(raw_{{ column.name }} as json) as map(varchar, float)) as map_{{ column.name }},
        {%- endfor %}
        {%- if key %}
        repetitions.occurrence,
        repetitions.is_equal,
        {%- endif %}
    from as_found
    {%- if key %}
    left join repetitions using (file_name, row_number)
    {%- endif %}
),

typed as (
    select
        *,
        {%- for column in columns %}
        {{ typed_value(column, found[column.name].is_safe) }} as {{ column.name }},
        {%- endfor %}
        {%- for column in coded %}
        lower(cast(raw_{{ column.name }} as varchar)) in ('{{ column.codes | join("', '") }}')
            and {{ column.name }} is null as is_coded_{{ column.name }},
        {%- endfor %}
        {%- if key and target.type == 'duckdb' %}
        hash(0
            {%- for column in columns if not column.is_key -%}
            , {{ column.name if column.type == 'phone' else 'raw_' ~ column.name }}
            {%- endfor %}
            {%- for name in found.get('others', {}) %}, "{{ name }}"{% endfor %}) as content_hash,
        {%- else %}
        null as content_hash,
        {%- endif %}
    from parsed
),
{%- if erasures %}
erasures as (
    select {{ match_key('customer_id') }} as customer_id
    from (
        select unnest([{% for request in erasures %}
            '{{ request.customer_id | replace("'", "''") }}'{{ ', ' if not loop.last }}{% endfor %}
        ]) as customer_id
    ) as requests
),

find_lines_to_withhold as (
    select distinct file_name, row_number, true as is_withheld
    from raw_rejects{{ view_suffix }}
    inner join erasures
        on customer_id != '' and regexp_matches(lower(raw_text), concat('\b', regexp_escape(customer_id), '\b'))
),
{% endif %}
judged as (
    select
        file_name,
        row_number,
        {{- ' part,' if part }}
        {%- for column in columns %}
        {{ column.name }},
        {%- endfor %}
        {%- for name in found.get('others', {}) %}
        "{{ name }}",
        {%- endfor %}
        -- words are made for faulty rows only: there are millions of others
        case when {{ tests | join(' or ') or 'false' }}{{ ' or occurrence > 1' if key }} then concat_ws('; ',
            {%- for column in columns %}
            {%- set label = (found[column.name].names or [column.name]) | join("'' or ''") %}
            {%- if column.is_required %}
            case when raw_{{ column.name }} is null then 'column ''{{ label }}'' is empty' end,
            {%- endif %}
            {%- if not found[column.name].is_safe %}
            case
                when raw_{{ column.name }} is not null and {{ column.name }} is null
                    {{- ' and not is_coded_' ~ column.name if column in coded }}
                    then concat(
                        'column ''{{ label }}'': ',
                        {{ "''" if is_personal else "'''', raw_" ~ column.name ~ ", ''' '" }},
                        'is not {{ {
                            'bigint': 'a whole number', 'double': 'a number', 'boolean': 'yes or no',
                            'date': 'a date (YYYY-MM-DD)', 'timestamp': 'a time (YYYY-MM-DD HH:MM:SS)',
                            'interests': 'a list of weights ({"topic": 0.5})',
                            'phone': 'a phone number of 11 to 15 digits (withheld)',
                        }[column.type] }}'
                    )
            end,
            {%- endif %}
            {%- endfor %}
            {%- for fault in faults %}
            case when {{ fault.condition }} then {{ fault.reason }} end,
            {%- endfor %}
            {%- if key %}
            case
                when occurrence > 1
                    then concat(
                        'duplicated key:'
                        {%- for name in key %}, ' {{ name }} ''', {{ name }}, ''''{% endfor -%}
                        , ' is already there', if(is_equal, ' in an equal row', '')
                    )
            end,
            {%- endif %}
            null
        ) end as reject_reason,
        case
            when reject_reason is null then 'kept'
            {%- if key %}
            when is_equal and starts_with(reject_reason, 'duplicated key') then 'duplicate'
            {%- endif %}
            else 'rejected'
        end as row_status,
        case
            when reject_reason is not null
                then concat_ws(',' {%- for column in columns -%}
                    , {{ "if(raw_" ~ column.name ~ " is null, '', coalesce(" ~ column.name ~ ", '(withheld)'))" if column.type in ['phone', 'private']
                        else "if(raw_" ~ column.name ~ " is not null and " ~ column.name ~ " is null, '(withheld)', coalesce(cast(raw_" ~ column.name ~ " as varchar), ''))" if is_personal
                        else "coalesce(cast(raw_" ~ column.name ~ " as varchar), '')" }}
                {%- endfor %})
        end as raw_text,
        {%- if coded %}
        nullif(list_filter([
            {%- for column in coded %}
            case when is_coded_{{ column.name }} then '{{ column.name }}' end{{ ', ' if not loop.last }}
            {%- endfor %}
        ], lambda name: name is not null), []) as coded_missing,
        {%- else %}
        cast(null as varchar []) as coded_missing,
        {%- endif %}
        content_hash,
    from typed
),

all_rows as (
    {%- if erasures %}
    select judged.* from judged
    anti join erasures on {{ whom }} = erasures.customer_id

    union all

    select
        judged.file_name,
        judged.row_number,
        {{ blanks | join(', ') }},
        'erased on request' as reject_reason,
        'erased' as row_status,
        null as raw_text,
        null as coded_missing,
        null as content_hash,
    from judged
    semi join erasures on {{ whom }} = erasures.customer_id
    {%- else %}
    select * from judged
    {%- endif %}

    union all

    select
        file_name,
        row_number,
        {{ blanks | join(', ') }},
        reason as reject_reason,
        'rejected' as row_status,
        {%- if is_personal %}
        '(withheld: the line holds personal data; see the file)' as raw_text,
        {%- elif erasures %}
        if(is_withheld, '(withheld: erased on request)', raw_text) as raw_text,
        {%- else %}
        raw_text,
        {%- endif %}
        null as coded_missing,
        null as content_hash,
    from raw_rejects{{ view_suffix }}
    {{- ' left join find_lines_to_withhold using (file_name, row_number)' if erasures }}
)

select * from all_rows
{% endmacro %}


{#
    A raw value as its declared type; null where it can't be read as one. Text is a whole
    number only without a fraction: '30.0' is 30, '30.5' is nothing. A phone number in any
    spelling becomes the pseudonym of its digits with country code.
#}
{% macro typed_value(column, is_safe, reveals=false) -%}
    {%- set raw = 'raw_' ~ column.name -%}
    {%- if column.type == 'text' -%}
        cast({{ raw }} as varchar)
    {%- elif column.type == 'category' -%}
        lower(cast({{ raw }} as varchar))
    {%- elif column.type == 'bigint' and not is_safe -%}
        case when {{ as_type(raw, 'double') }} % 1 = 0 then {{ as_type(raw, 'bigint') }} end
    {%- elif column.type in ['date', 'timestamp'] and not is_safe -%}
        {%- set value -%}
            coalesce(
                {%- if column.formats %}
                -- of 'infinity' strptime makes the year 1900
                cast(try_strptime(
                    case when regexp_matches(cast({{ raw }} as varchar), '[0-9]') then cast({{ raw }} as varchar) end,
                    ['{{ column.formats | join("', '") }}']
                ) as {{ column.type }}),
                {%- endif %}
                case
                    when regexp_matches(cast({{ raw }} as varchar), '^[0-9]+[-/][0-9]+[-/][0-9]+($|[ T])')
                        then {{ as_type(raw, column.type) }}
                end
            )
        {%- endset -%}
        case when year({{ value }}) between 1000 and 9999 then {{ value }} end
    {%- elif column.type == 'double' and not is_safe -%}
        case when isfinite({{ as_type(raw, 'double') }}) then {{ as_type(raw, 'double') }} end
    {%- elif column.type == 'boolean' and not is_safe -%}
        if(
            {{ as_type(raw, 'double') }} in (0, 1),
            {{ as_type(raw, 'double') }} = 1, try_cast(cast({{ raw }} as varchar) as boolean)
        )
    {%- elif column.type == 'interests' -%}
        {%- set weights = 'map_values(map_' ~ column.name ~ ')' %}
        case
            when list_count({{ weights }}) = len({{ weights }}) and isfinite(coalesce(list_sum({{ weights }}), 0))
                then struct_pack(topics := map_keys(map_{{ column.name }}), weights := {{ weights }})
        end
    {%- elif column.type == 'private' -%}
        {{ 'cast(' ~ raw ~ ' as varchar)' if reveals else 'pseudonym(lower(cast(' ~ raw ~ ' as varchar)))' }}
    {%- elif column.type == 'phone' -%}
        {{ 'pseudonym(' if not reveals }}nullif(regexp_extract(
            regexp_replace(
                regexp_replace(
                    regexp_replace(cast({{ raw }} as varchar), '^([0-9]+)[.]0+$', '\1'), '[ ()./+-]', '', 'g'
                ),
                '^00?', if(starts_with(cast({{ raw }} as varchar), '00'), '', '{{ var("country_code") }}')
            ),
            '^[1-9][0-9]{10,14}$'
        ), ''){{ ')' if not reveals }}
    {%- else -%}
        {{ as_type(raw, column.type) }}
    {%- endif -%}
{%- endmacro %}

{# Null where a value can't be read as the type; Spark reads neither 30.0 nor 2026/11/30 itself, but 30d. #}
{% macro as_type(value, type) -%}{{ adapter.dispatch('as_type')(value, type) }}{%- endmacro %}
{% macro default__as_type(value, type) -%}
    try_cast({{ value }} as {{ type }})
{%- endmacro %}
{% macro spark__as_type(value, type) -%}
    {%- if type == 'bigint' -%}
        try_cast(try_cast({{ value }} as decimal(38, 9)) as bigint)
    {%- elif type == 'double' -%}
        try_cast(case when not regexp_matches(cast({{ value }} as varchar), '[dDfF]$') then {{ value }} end as double)
    {%- elif type in ['date', 'timestamp'] -%}
        try_cast(replace(cast({{ value }} as varchar), '/', '-') as {{ type }})
    {%- else -%}
        try_cast({{ value }} as {{ type }})
    {%- endif -%}
{%- endmacro %}


{#
    column name -> {
        names: what it is called in the files,
        is_text: whether any file holds it as text,
        is_safe: whether every value fits its type
    }; under 'others' (if asked for) every other column's name -> is_text
#}
{% macro find_columns(source, thing, columns, others=false) %}
    {%- set found = {} -%}
    {%- set unnamed = {} -%}
    {%- for column in columns -%}
        {%- do found.update({column.name: {
            'names': [], 'lacking': [], 'is_text': false, 'is_safe': column.type != 'phone',
        }}) -%}
    {%- endfor -%}
    {%- set headers = source_files(source, thing) if execute else [] -%}
    {%- for header in headers -%}
        {%- set file = header.file -%}
        {%- set lower_names = header.names | map('lower') | list -%}
        {%- for name in header.names if name | lower in ['file_name', 'row_number', 'file_row_number', 'part'] -%}
            {{ exceptions.raise_compiler_error(
                file ~ ": column '" ~ name ~ "' has a name that Leadlight uses itself. Rename it."
            ) }}
        {%- endfor -%}
        {%- set taken, missing = [], [] -%}
        {%- for column in columns -%}
            {%- set aliases = column.names | map('lower') | list -%}
            {%- set here = aliases | select('in', lower_names) | list -%}
            {%- if here -%}
                {%- set position = lower_names.index(here[0]) -%}
                {%- set name = header.names[position] -%}
                {%- do taken.append(position) -%}
                {%- set entry = found[column.name] -%}
                {%- if name | lower not in entry.names | map('lower') -%}{%- do entry.names.append(name) -%}{%- endif -%}
                {%- set type = header.types[position] | lower -%}
                {%- set fits = (
                    type == column.type and type != 'double' or column.type in ['text', 'category', 'private']
                    or type in ['integer', 'smallint', 'tinyint'] and column.type in ['bigint', 'double']
                    or type == 'bigint' and column.type == 'double'
                ) and column.type != 'phone' -%}
                {%- do entry.update({
                    'is_text': entry.is_text or type == 'varchar', 'is_safe': entry.is_safe and fits,
                }) -%}
            {%- else -%}
                {%- do found[column.name].lacking.append(source ~ '/' ~ file.split('/' ~ source ~ '/')[-1]) -%}
                {%- if not column.is_optional -%}{%- do missing.append(column.names | join("' or '")) -%}{%- endif -%}
            {%- endif -%}
        {%- endfor -%}
        {%- if missing -%}
            {{ exceptions.raise_compiler_error(
                file ~ ": column '" ~ missing[0] ~ "' is missing; the file has "
                ~ header.names | join(', ') ~ ". Rename or add the column."
                if taken else
                file ~ ": the first line names none of the columns " ~ missing | join(', ') | replace("'", '')
                ~ ". It must be the header."
            ) }}
        {%- endif -%}
        {%- if others -%}
            {%- for position in range(header.names | length) if position not in taken -%}
                {%- set name = header.names[position] -%}
                {%- do unnamed.update({name: unnamed.get(name, false) or header.types[position] | lower == 'varchar'}) -%}
            {%- endfor -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if others -%}{%- do found.update({'others': unnamed}) -%}{%- endif -%}
    {%- do found.update({'file_count': headers | length}) -%}
    {{ return(found) }}
{% endmacro %}
