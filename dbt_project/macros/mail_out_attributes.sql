{#
    The attributes of mail_out, one per column of the raw files that raw_columns.csv does not
    name: {raw, name, kind, is_text, codes, recoded, clean (SQL of the value without its
    codes for unknown and recoded)}. Kind and codes are the dictionary's.
    Text without a kind is numeric where all values are numbers; text that is called a
    number and never is one stays text.
#}
{% macro mail_out_attributes() %}
    {%- set people = ref('base_mail_out__people') -%}
    {%- set dictionary, recodings, attributes, unknown_texts = {}, {}, [], [] -%}
    {%- for row in seed_rows('mail_out_dictionary') + seed_rows('mail_out_donor_dictionary') -%}
        {%- do dictionary.update({row.attribute | lower: row}) -%}
    {%- endfor -%}
    {%- for row in seed_rows('recodings', 'mail_out', 'people') -%}
        {%- do recodings.setdefault(row.column_name | lower, {}).update({row.raw_value | lower: row.clean_value}) -%}
    {%- endfor -%}
    {%- if not execute or not load_relation(people) -%}{{ return([]) }}{%- endif -%}
    {%- for column in adapter.get_columns_in_relation(people) if column.name not in [
        'file_name', 'row_number', 'part', 'person_id', 'has_responded',
        'reject_reason', 'row_status', 'raw_text', 'coded_missing', 'content_hash', 'file_version',
    ] -%}
        {%- set documented = dictionary.get(column.name | lower, {}) -%}
        {%- set is_text = column.dtype | lower == 'varchar' -%}
        {%- set attribute = {
            'raw': column.name,
            'name': modules.re.sub('[^a-z0-9]+', '_', column.name | lower).strip('_'),
            'kind': documented.get('kind') or ('text' if is_text else 'numeric'),
            'is_text': is_text,
            'codes': (documented.get('missing_codes') or '').lower().replace(' ', '').split(',') | select | list,
            'recoded': recodings.get(column.name | lower, {}),
        } -%}
        {%- set raw = ('lower("' ~ column.name ~ '")') if is_text else ('"' ~ column.name ~ '"') -%}
        {%- set cases = [] -%}
        {%- for code in attribute.codes if is_text or modules.re.fullmatch('-?[0-9]+', code) -%}
            {%- do cases.append('when ' ~ raw ~ ' = ' ~ ("'" ~ code ~ "'" if is_text else code) ~ ' then null') -%}
        {%- endfor -%}
        {%- for value, clean in attribute.recoded.items() -%}
            {%- do cases.append('when ' ~ raw ~ " = '" ~ value ~ "' then '" ~ clean ~ "'") -%}
        {%- endfor -%}
        {%- do attribute.update({
            'clean': 'case ' ~ cases | join(' ') ~ ' else ' ~ raw ~ ' end' if cases else raw,
        }) -%}
        {%- do attributes.append(attribute) -%}
        {%- if is_text and documented.get('kind') not in ['nominal', 'text', 'date', 'outcome'] -%}
            {%- do attribute.update({'is_documented': documented | length > 0}) -%}
            {%- do unknown_texts.append(attribute) -%}
        {%- endif -%}
    {%- endfor -%}
    {%- if unknown_texts -%}
        {%- set tests = [] -%}
        {%- for attribute in unknown_texts -%}
            {%- do tests.append('count(' ~ attribute.clean ~ ')') -%}
            {%- do tests.append('count(try_cast(' ~ attribute.clean ~ ' as double))') -%}
        {%- endfor -%}
        {%- set counts = run_query('select ' ~ tests | join(', ') ~ ' from ' ~ people).rows[0] -%}
        {%- for attribute in unknown_texts -%}
            {%- set known, numbers = counts[2 * loop.index0], counts[2 * loop.index0 + 1] -%}
            {%- if attribute.is_documented and known and not numbers -%}
                {%- do attribute.update({'kind': 'text'}) -%}
            {%- elif not attribute.is_documented and known == numbers -%}
                {%- do attribute.update({'kind': 'numeric'}) -%}
            {%- endif -%}
        {%- endfor -%}
    {%- endif -%}
    {{ return(attributes) }}
{% endmacro %}
