{#
    What a policy ranks its candidates by, the highest first: expected profit where the policy is about money.
    A budget without a declared conversion value buys the most conversions where it ranks by probability per
    unit of cost.

    rows: table of candidates; policy, has_value: SQL of the declared policy, and of whether a conversion value
    is declared.
#}
{% macro contact_priority(rows, policy, has_value) -%}
    case
        when {{ policy }} = 'profit' or ({{ policy }} = 'budget' and {{ has_value }})
            then coalesce({{ rows }}.expected_profit, '-infinity')
        when {{ policy }} = 'budget' and {{ rows }}.contact_cost = 0 then 'infinity'
        when {{ policy }} = 'budget'
            then coalesce({{ rows }}.predicted_probability / {{ rows }}.contact_cost, '-infinity')
        else {{ rows }}.predicted_probability
    end
{%- endmacro %}
