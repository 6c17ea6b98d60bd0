{#
    Bound of Wilson's 95 % score interval of a rate (Wilson 1927).
    side: -1 for the lower, 1 for the upper bound.
#}
{% macro wilson_bound(successes, trials, side) -%}
    case
        when {{ trials }} > 0
            then
                (
                    {{ successes }} + 1.92072941
                    + {{ side }} * 1.959964 * sqrt(
                        {{ successes }} * ({{ trials }} - {{ successes }})
                        / cast({{ trials }} as double) + 0.9603647
                    )
                ) / ({{ trials }} + 3.84145882)
    end
{%- endmacro %}


{#
    Number in [0, 1) that a customer draws in a bootstrap replicate: a hash of both, so
    that a build repeats itself. (hash(a, b) mixes its arguments too weakly: replicates
    would resemble each other.)
#}
{% macro uniform_draw(customer_hash, replicate) -%}
    hash(xor({{ customer_hash }}, cast({{ replicate }} as ubigint))) / 18446744073709551616.0
{%- endmacro %}


{# Weight of a customer in a bootstrap replicate: Poisson with mean 1 (cut at 6). #}
{% macro poisson_weight(draw) -%}
    case
        {%- for probability in [
            0.36787944, 0.73575888, 0.91969860, 0.98101184, 0.99634015, 0.99940582,
        ] %}
        when {{ draw }} < {{ probability }} then {{ loop.index0 }}
        {%- endfor %}
        else 6
    end
{%- endmacro %}
