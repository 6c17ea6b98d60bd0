{#
    Query of groups whose customers may have several rows: keys, row_count, converted and design_effect, the rows of
    the group for each row of another customer that would say as much. `customers` has the keys, row_count and
    converted by customer_id; where that is null, rows count, but say nothing of customers (a sample does).

    Kish (1965): 1 + correlation x (rows of the customer of a mean row - 1). The correlation of a customer's outcomes
    is that of all groups of `within` together, because a few conversions of one group cannot tell it: squared
    residuals of customers beyond those of independent rows, by their number of pairs (Donner and Klar 2000).
#}
{% macro clustered_counts(customers, keys, within) -%}
    {%- set known = 'filter (where customer_id is not null and row_count > 0)' %}
    select
        {{ keys | join(', ') }},
        row_count,
        converted,
        {{ design_effect() }} as design_effect,
    from (
        select
            *,
            {{ excess_of_customers() }} as excess,
            {{ pairs_of_customers() }} as pairs,
        from (
            select
                {{ keys | join(', ') }},
                cast(sum(row_count) as bigint) as row_count,
                cast(sum(converted) as bigint) as converted,
                count(*) {{ known }} as customers,
                nullif(cast(sum(row_count) {{ known }} as double), 0)
                    as known_rows,
                cast(sum(converted) {{ known }} as double) as known_converted,
                cast(sum(row_count * row_count) {{ known }} as double)
                    as squared_rows,
                cast(sum(row_count * converted) {{ known }} as double)
                    as crossed,
                cast(sum(converted * converted) {{ known }} as double)
                    as squared_converted,
            from {{ customers }}
            group by {{ keys | join(', ') }}
        ) as groups
    ) as groups
    window whole as (partition by {{ within | join(', ') }})
{%- endmacro %}

{# Squared residuals of customers less those of independent rows. Decimals: their sum does not depend on the order. #}
{% macro excess_of_customers() -%}
    cast(
        customers / nullif(cast(customers - 1 as double), 0) * (
            squared_converted
            - 2 * known_converted / known_rows * crossed
            + known_converted / known_rows * known_converted / known_rows * squared_rows
        ) - known_converted * (1 - known_converted / known_rows)
        as decimal(38, 6)
    )
{%- endmacro %}

{# What the excess would be if all rows of a customer had the same outcome. #}
{% macro pairs_of_customers() -%}
    cast(
        known_converted / known_rows * (1 - known_converted / known_rows) * (squared_rows - known_rows)
        as decimal(38, 6)
    )
{%- endmacro %}

{# Of a group, by its own rows and the correlation of all groups of the window `whole`. #}
{% macro design_effect() -%}
    coalesce(1 + greatest(0, least(1, coalesce(
        cast(sum(excess) over whole as double)
        / nullif(cast(sum(pairs) over whole as double), 0), 0
    ))) * (squared_rows / known_rows - 1), 1)
{%- endmacro %}
