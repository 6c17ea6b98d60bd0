{#
    What a policy ranks its candidates by, the highest first: expected profit where the policy is about money.
    A budget without a declared conversion value buys the most conversions where it ranks by probability per
    unit of cost.

    policy, has_value: SQL of the declared policy, and of whether a conversion value is declared.
#}
{% macro contact_priority(policy, has_value) -%}
    case
        when {{ policy }} = 'profit' or ({{ policy }} = 'budget' and {{ has_value }})
            then coalesce(expected_profit, '-infinity')
        when {{ policy }} = 'budget' and contact_cost = 0 then 'infinity'
        when {{ policy }} = 'budget'
            then coalesce(predicted_probability / contact_cost, '-infinity')
        else predicted_probability
    end
{%- endmacro %}
