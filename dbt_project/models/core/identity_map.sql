{# The one table that holds raw identifiers: it reads the raw files itself, because no other table keeps them. #}
{% set things = ['subscribers', 'transactions', 'ad_events', 'installs'] %}
{% set remember = [] %}
{% for thing in things %}
    {% do remember.append(
        "{{ load_raw('app_install', '" ~ thing ~ "') }}"
        ~ "; create or replace temp table identified_" ~ thing ~ " as"
        ~ " {{ identified_rows('app_install', '" ~ thing ~ "') }}"
    ) %}
{% endfor %}
{{ config(database='identities', pre_hook=remember) }}
-- depends_on: {{ ref('raw_columns') }}
{% for thing in things %}
-- depends_on: {{ ref('base_app_install__' ~ thing) }}
{% do source('app_install', thing) %}
{% endfor %}

with add_identifiers as (
    {% for thing in things %}
    select
        customer_id as msisdn,
        {{ 'name_id' if thing == 'subscribers' else 'cast(null as varchar)' }}
            as full_name,
        {{ 'email_id' if thing == 'subscribers' else 'cast(null as varchar)' }}
            as email,
    from temp.identified_{{ thing }}
    {{ 'union all' if not loop.last }}
    {% endfor %}
),

people as (
    select
        'app_install' as source,
        pseudonym(msisdn) as customer_id,
        concat('+', msisdn) as msisdn,
        min(full_name) as full_name,
        min(email) as email,
    from add_identifiers
    group by msisdn
)

select * from people
