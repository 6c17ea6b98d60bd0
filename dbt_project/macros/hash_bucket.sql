{# Bucket 0 .. buckets - 1 of a key, by a hash that is the same on every machine and engine. #}
{% macro hash_bucket(key, buckets) -%}{{ adapter.dispatch('hash_bucket')(key, buckets) }}{%- endmacro %}
{% macro default__hash_bucket(key, buckets) -%}
    cast(concat('0x', left(md5(cast({{ key }} as varchar)), 8)) as bigint) % {{ buckets }}
{%- endmacro %}
{% macro spark__hash_bucket(key, buckets) -%}
    cast(conv(left(md5(cast({{ key }} as varchar)), 8), 16, 10) as bigint) % {{ buckets }}
{%- endmacro %}
