-- The ranges into which counted numbers fall: their edges, rounded, and as texts
with counted_columns as (
    select * from {{ ref('counted_columns') }}
),

quartiles as (
    select * from {{ ref('number_quartiles') }}
),

-- two digits of the smallest gap between quartiles are enough, or three of a single one
digits as (
    select
        *,
        coalesce(
            1 - floor(log10(list_min(list_transform(
                range(1, len(edges)), lambda i: edges[i + 1] - edges[i]
            )))),
            2 - floor(log10(nullif(abs(edges[1]), 0))),
            0
        ) as digits,
    from quartiles
),

round_values as (
    select
        * exclude (edges),
        list_sort(list_distinct(list_filter(
            list_transform(
                edges, lambda edge: round(edge, cast(digits as integer))
            ),
            lambda edge: edge > lowest
        ))) as edges,
    from digits
),

-- as people write numbers: whole ones have no fraction
add_sentences as (
    select
        *,
        list_transform(
            list_concat([lowest], edges),
            lambda edge: regexp_replace(cast(edge as varchar), '[.]0$', '')
        ) as edge_texts,
    from round_values
),

ranges as (
    select
        add_sentences.position,
        add_sentences.value_count <= counted_columns.few_values as is_by_value,
        add_sentences.is_lowest_apart,
        add_sentences.lowest,
        {% for number in [1, 2, 3] %}
        coalesce(add_sentences.edges[{{ number }}], cast('infinity' as double))
            as edge_{{ number }},
        {% endfor %}
        add_sentences.edge_texts,
    from add_sentences
    inner join counted_columns using (position)
)

select * from ranges
