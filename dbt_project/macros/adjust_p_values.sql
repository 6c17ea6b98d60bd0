{#
    A select of all rows with their p value for as many comparisons as their family has, as `name`; null p values
    are no comparisons.

    family: columns whose equal values make a family. method: `holm` (1979) bounds the chance of any false
    finding in the family, `false discovery rate` (Benjamini and Hochberg 1995) the share of false ones among the
    findings.
#}
{% macro adjust_p_values(rows, family, method, name) -%}
    select
        *,
        case when p_value is not null then least(1,
            {%- if method == 'holm' %}
            max(p_value * (comparisons - place + 1)) over (
                partition by {{ family | join(', ') }} order by place
            )
            {%- else %}
            min(p_value * (comparisons / place)) over (
                partition by {{ family | join(', ') }} order by place desc
            )
            {%- endif %}
        ) end as {{ name }},
    from (
        select
            *,
            row_number() over (
                partition by {{ family | join(', ') }} order by p_value nulls last
            ) as place,
            count(p_value) over (partition by {{ family | join(', ') }}) as comparisons,
        from {{ rows }}
    ) as ordered_rows
{%- endmacro %}
