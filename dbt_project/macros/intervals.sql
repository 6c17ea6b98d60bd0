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
    Weight of a customer in a bootstrap replicate: Poisson with mean 1, drawn from a
    hash of both, so that a customer's rows stay together and a build repeats itself.
#}
{% macro poisson_weight(customer, replicate) -%}
    {#- hash(a, b) mixes its arguments too weakly: replicates would resemble each other -#}
    {%- set mixed = 'hash(xor(hash(' ~ customer ~ '), cast(' ~ replicate ~ ' as ubigint)))' -%}
    {%- set uniform = mixed ~ ' / 18446744073709551616.0' -%}
    case
        {%- for probability in [
            0.36787944, 0.73575888, 0.91969860, 0.98101184, 0.99634015, 0.99940582,
        ] %}
        when {{ uniform }} < {{ probability }} then {{ loop.index0 }}
        {%- endfor %}
        else 6
    end
{%- endmacro %}
