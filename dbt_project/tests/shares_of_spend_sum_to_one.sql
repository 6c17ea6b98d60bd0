-- of every customer who spent anything
select
    source,
    customer_id,
    sum(share_of_spend) as whole,
from {{ ref('customer_product_mix') }}
group by source, customer_id
having abs(sum(share_of_spend) - 1) > 1e-9
