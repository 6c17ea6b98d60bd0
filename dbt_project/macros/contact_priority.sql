{#
    What a policy ranks its candidates by, the highest first. A budget buys the most where it ranks by what a
    contact brings per unit of its cost (Dantzig 1957): profit, or conversions where no conversion value is declared.

    rows: table of candidates; policy, has_value: SQL of the declared policy, and of whether a conversion value
    is declared.
#}
{% macro contact_priority(rows, policy, has_value) -%}
    case
        when {{ policy }} = 'profit' then {{ rows }}.expected_profit
        when {{ policy }} = 'budget' and {{ rows }}.contact_cost <= 0 then 'infinity'
        when {{ policy }} = 'budget' and {{ has_value }} then {{ rows }}.expected_profit / {{ rows }}.contact_cost
        when {{ policy }} = 'budget' then {{ rows }}.predicted_probability / {{ rows }}.contact_cost
        else {{ rows }}.predicted_probability
    end
{%- endmacro %}

{# The order in which a policy takes its candidates. Ties break by a hash, as keys may tell age or alphabet. #}
{% macro best_first() -%}
    priority desc nulls last, predicted_probability desc, md5(concat_ws('|', campaign, entity_id)) asc
{%- endmacro %}

{#
    What rows of several campaigns are compared by: expected profit, if every campaign declares a conversion
    value, else the probability of a conversion. all_have_profit: SQL of whether every one does. draw: another one
    breaks ties anew, where those whom they favour must not be first among equals in their campaign, too.
#}
{% macro common_worth(all_have_profit, draw=none) -%}
    case when {{ all_have_profit }} then expected_profit else predicted_probability end desc nulls last,
    md5(concat_ws('|', {% if draw %}'{{ draw }}', {% endif %}campaign, entity_id)) asc
{%- endmacro %}
