{# As many rows as another relation: a join or a scan has lost or doubled none. `or_none`: where it was refused. #}
{% test same_rows(model, other, or_none=false) %}
with counts as (
    select
        (select count(*) from {{ model }}) as here,
        (select count(*) from {{ other }}) as there
)

select * from counts
where here != there {{ 'and here > 0' if or_none }}
{% endtest %}
