-- One row per campaign, declared dimension and category of at least ten rows, best
-- first. Where dimensions are compared, only reliable rates take part.
with

rates as (
    select
        rates.*,
        max(rates.shrunk_rate) filter (where rates.is_reliable)
            over (partition by rates.campaign, rates.dimension) as best_rate
    from results.conversion_rates as rates
    inner join results.campaigns as campaigns
        on rates.campaign = campaigns.campaign
    where
        campaigns.variant_of is null
        and rates.row_count >= 10
)

select
    rates.campaign,
    replace(rates.dimension, '_', ' ') as dimension,
    rates.best_rate,
    rates.category,
    rates.row_count,
    rates.conversion_rate,
    rates.lower,
    rates.upper,
    rates.shrunk_rate,
    rates.lift,
    rates.is_reliable,
    case when rates.is_reliable then 'reliable' else 'few rows: uncertain' end
        as certainty
from (select 1) as guard
left join rates on true
