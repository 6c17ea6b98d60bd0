{#
    One-sided 95 % bound of the share that new rows will show, by what known rows showed:
    Clopper and Pearson's (1934) of as many trials as vary as much as the difference of
    both, n m / (n + m) of n known and m new ones. share_of_new_rows: m / (n + m); without
    new rows (null) the bound is that of the rate itself. side: lower or upper.
#}
{% macro prediction_bound(events, trials, share_of_new_rows, side) -%}
    case
        {%- if side == 'upper' %}
        when {{ events }} = {{ trials }} then 1
        else beta_quantile(
            0.95,
            {{ events }} * coalesce({{ share_of_new_rows }}, 1) + 1,
            ({{ trials }} - {{ events }}) * coalesce({{ share_of_new_rows }}, 1)
        )
        {%- else %}
        when {{ events }} = 0 then 0
        else beta_quantile(
            0.05,
            {{ events }} * coalesce({{ share_of_new_rows }}, 1),
            ({{ trials }} - {{ events }}) * coalesce({{ share_of_new_rows }}, 1) + 1
        )
        {%- endif %}
    end
{%- endmacro %}


{#
    Bound of Wilson's 95 % score interval of a rate (Wilson 1927). side: -1 for the lower, 1 for the upper bound.
    design_effect: rows that say as much as one of another customer, see clustered_counts. z: of another confidence.
#}
{% macro wilson_bound(successes, trials, side, design_effect=none, z=1.959964) -%}
    {%- set per_row = ' / ' ~ design_effect if design_effect else '' -%}
    {%- set x = successes ~ per_row -%}
    {%- set n = trials ~ per_row -%}
    case
        when {{ trials }} > 0
            then greatest(0, least(1,
                (
                    {{ x }} + {{ z }} * {{ z }} / 2
                    + {{ side }} * {{ z }} * sqrt(
                        {{ x }} * ({{ n }} - {{ x }})
                        / cast({{ n }} as double) + {{ z }} * {{ z }} / 4
                    )
                ) / ({{ n }} + {{ z }} * {{ z }})
            ))
    end
{%- endmacro %}


{#
    Bound of the 95 % interval of a difference of two rates by their Wilson bounds (Newcombe 1998, method 10). Each rate
    has the columns <name>_rate, <name>_lower and <name>_upper. side: lower or upper.
#}
{% macro newcombe_bound(difference, one, other, side) -%}
    {%- set opposite = 'upper' if side == 'lower' else 'lower' -%}
    {{ difference }} {{ '-' if side == 'lower' else '+' }} sqrt(
        ({{ one }}_rate - {{ one }}_{{ side }}) * ({{ one }}_rate - {{ one }}_{{ side }})
        + ({{ other }}_rate - {{ other }}_{{ opposite }}) * ({{ other }}_rate - {{ other }}_{{ opposite }})
    )
{%- endmacro %}


{#
    Bound of the 95 % Jeffreys interval of a rate, the .025 or .975 quantile of Beta(x + .5, n - x + .5) (Brown, Cai
    and DasGupta 2001), which ends at 0 or 1 where no row or each converted. side: lower or upper.
#}
{% macro jeffreys_bound(successes, trials, side, design_effect) -%}
    case
        when {{ successes }} = {{ '0' if side == 'lower' else trials }} then {{ 0 if side == 'lower' else 1 }}
        else beta_quantile(
            {{ 0.025 if side == 'lower' else 0.975 }},
            {{ successes }} / {{ design_effect }} + 0.5,
            ({{ trials }} - {{ successes }}) / {{ design_effect }} + 0.5
        )
    end
{%- endmacro %}


{#
    Bound of the exact 95 % interval of a count that is Poisson distributed (Garwood 1936),
    too wide rather than too narrow for one of conversions. side: lower or upper.
    design_effect: events that say as much as one of another customer.
#}
{% macro poisson_bound(count, side, design_effect) -%}
    {%- set events = count ~ ' / ' ~ design_effect -%}
    {%- if side == 'lower' -%}
    coalesce(
        {{ design_effect }} * gamma_quantile(0.025, {{ events }}, {{ events }}),
        0
    )
    {%- else -%}
    {{ design_effect }}
    * gamma_quantile(0.975, {{ events }} + 1, {{ events }} + 1)
    {%- endif -%}
{%- endmacro %}


{#
    Window columns place and value_count, the place of a value among the replicates of its group in ascending order,
    and their number: what replicate_bound reads.
#}
{% macro replicate_places(value, group) -%}
    row_number() over (partition by {{ group }}, replicate = 0 order by {{ value }}) as place,
    count({{ value }}) over (partition by {{ group }}, replicate = 0) as value_count
{%- endmacro %}


{#
    Quantile of bootstrap replicates: of n values in ascending order the probability x (n + 1)th, interpolated between
    two places. Intervals by it leave out as much with few replicates as with many (Davison and Hinkley 1997, 2.4).
#}
{% macro replicate_bound(value, probability) -%}
    sum({{ value }} * greatest(0, 1 - abs(
        place - greatest(1, least(value_count, {{ probability }} * (value_count + 1)))
    )))
{%- endmacro %}


{# A number as text with three significant digits, as people write it: 12.3, 0.05, 100. #}
{% macro three_digits(number) -%}{{ adapter.dispatch('three_digits')(number) }}{%- endmacro %}
{% macro default__three_digits(number) -%}format('{:.3g}', {{ number }}){%- endmacro %}
{% macro spark__three_digits(number) -%}
    regexp_replace(cast(cast(coalesce(round(
        {{ number }}, cast(2 - floor(log10(abs(nullif({{ number }}, 0)))) as integer)
    ), {{ number }}) as decimal(38, 9)) as varchar), '[.]?0+$', '')
{%- endmacro %}
