{# A Python model's table on Spark: its code, then what it returns is written by the session. #}
{% macro spark__create_table_as(temporary, relation, compiled_code, language='sql') %}
{% if language == 'python' %}
{{ compiled_code }}
dbt = dbtObj(spark.table)
spark.write(model(dbt, spark), "{{ relation }}")
{% else %}
{{ dbt.spark__create_table_as(temporary, relation, compiled_code, language) }}
{% endif %}
{% endmacro %}
