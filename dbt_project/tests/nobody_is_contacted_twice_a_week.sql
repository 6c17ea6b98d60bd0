-- a person: a source and its key
select
    source,
    customer_id,
    date_trunc('week', selected_at) as week,
from {{ ref('audience_members') }}
where purpose = 'contact' and suppressed_reason is null
group by source, customer_id, date_trunc('week', selected_at)
having count(*) > 1
