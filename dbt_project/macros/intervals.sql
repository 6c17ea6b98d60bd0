{#
    Bound of Wilson's 95 % score interval of a rate (Wilson 1927).
    side: -1 for the lower, 1 for the upper bound.
#}
{% macro wilson_bound(successes, trials, side) -%}
    case
        when {{ trials }} > 0
            then greatest(0, least(1,
                (
                    {{ successes }} + 1.92072941
                    + {{ side }} * 1.959964 * sqrt(
                        {{ successes }} * ({{ trials }} - {{ successes }})
                        / cast({{ trials }} as double) + 0.9603647
                    )
                ) / ({{ trials }} + 3.84145882)
            ))
    end
{%- endmacro %}
