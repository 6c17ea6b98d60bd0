{# Bucket 0 .. buckets - 1 of a key, by a hash that is the same on every machine and engine. #}
{% macro hash_bucket(key, buckets) -%}{{ adapter.dispatch('hash_bucket')(key, buckets) }}{%- endmacro %}
{% macro default__hash_bucket(key, buckets) -%}
    cast(concat('0x', left(md5(cast({{ key }} as varchar)), 8)) as bigint) % {{ buckets }}
{%- endmacro %}
{% macro spark__hash_bucket(key, buckets) -%}
    cast(conv(left(md5(cast({{ key }} as varchar)), 8), 16, 10) as bigint) % {{ buckets }}
{%- endmacro %}

{# A number in [0, 1) by the engine's own hash of a key: quick, another one on another engine. #}
{% macro hash_share(key) -%}{{ adapter.dispatch('hash_share')(key) }}{%- endmacro %}
{% macro default__hash_share(key) -%}hash({{ key }}) / 18446744073709551616.0{%- endmacro %}
{% macro spark__hash_share(key) -%}(hash({{ key }}) / 18446744073709551616.0 + 0.5){%- endmacro %}

{# A short number of a table's row, where it is a table and no select of --empty; on Spark, which has none, the key itself. #}
{% macro row_key(key) -%}{{ adapter.dispatch('row_key')(key) }}{%- endmacro %}
{% macro default__row_key(key) -%}{{ 'row_number() over ()' if flags.EMPTY else 'rowid' }}{%- endmacro %}
{% macro spark__row_key(key) -%}{{ key }}{%- endmacro %}
