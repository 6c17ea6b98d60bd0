{# As many rows as another relation: a join or a scan has lost or doubled none. #}
{% test same_rows(model, other) %}
with counts as (
    select
        (select count(*) from {{ model }}) as here,
        (select count(*) from {{ other }}) as there
)

select * from counts
where here != there
{% endtest %}
