{{ config(post_hook="
    {% if target.type == 'duckdb' %}
    {% set devices = ref('stg_display_ads__devices') %}
    {% set last = run_query('select max(device_key) from ' ~ devices).rows[0][0] if execute %}
    {% set size = var('display_ads_block_size') %}
    {% for first in range(size, (last or 0) + 1, size) %}
    insert into {{ this }} {{ display_ads_block(first) }};
    {% endfor %}
    {% endif %}
") }}

-- the first block; the others are inserted after it, in the same transaction
{{ display_ads_block(0) }}
