-- One row per source and group by recency, frequency and value of at least ten
-- customers.
select
    groups.source,
    replace(groups.value_group, '_', ' ') as value_group,
    groups.customer_count,
    groups.share_of_customers,
    groups.share_of_amount,
    groups.mean_recency_days,
    groups.mean_basket_count,
    groups.advice
from (select 1) as guard
left join results.value_groups as groups on groups.customer_count >= 10
