-- quantiles rise, and of every pair of a campaign all rows are compared
select
    campaign,
    feature,
from {{ ref('feature_summaries') }}
where
    missing_count > row_count
    or p05 > p25
    or p25 > median
    or median > p75
    or p75 > p95

union all

select
    campaign,
    any_value(feature) as feature,
from {{ ref('feature_associations') }}
group by campaign
having count(distinct row_count) > 1
