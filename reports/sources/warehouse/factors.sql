-- One row per campaign and factor of its model.
select
    factors.campaign,
    factors.rank,
    replace(factors.feature, '_', ' ') as factor,
    factors.importance,
    factors.direction,
    factors.description
from (select 1) as guard
left join results.conversion_factors as factors on true
