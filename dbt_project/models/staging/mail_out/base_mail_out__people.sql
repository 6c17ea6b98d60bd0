{{ config(
    materialized='table',
    pre_hook="{{ load_raw('mail_out', 'people') }}",
) }}

-- depends_on: {{ ref('mail_out_dictionary') }}, {{ ref('mail_out_donor_dictionary') }}

{# The file's name tells whom it holds: everybody, customers, or people who got a mail-out. #}
{{ typed_rows('mail_out', 'people', others=true, part="
    case
        when regexp_matches(file_name, '(?i)/[^/]*(population|azdias)[^/]*$') then 'population'
        when regexp_matches(file_name, '(?i)/[^/]*customers[^/]*$') then 'customers'
        else 'mail_out'
    end
") }}
