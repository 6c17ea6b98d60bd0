{#
    Cramér's V with Bergsma's (2013) correction, which takes off what chance gives to a table
    of so many bins. contingency: chi squared / rows. Null where one of both never changes.
#}
{% macro cramers_v(contingency, bins, other_bins, row_count) -%}
    case
        when {{ contingency }} is not null
            then round(sqrt(
                greatest(
                    0,
                    {{ contingency }}
                    - ({{ bins }} - 1) * ({{ other_bins }} - 1)
                    / nullif({{ row_count }} - 1, 0)
                ) / nullif(greatest(0, least(
                    {%- for k in [bins, other_bins] %}
                    {{ k }} - 1 - ({{ k }} - 1) * ({{ k }} - 1)
                    / nullif({{ row_count }} - 1, 0){{ ',' if not loop.last }}
                    {%- endfor %}
                )), 0)
            ), 6)
    end
{%- endmacro %}
