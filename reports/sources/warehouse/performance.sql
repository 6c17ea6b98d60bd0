-- One row per campaign, model version and day of scoring: what was expected and, once ten outcomes are
-- known, what happened.
with

days as (
    select
        performance.*,
        performance.known_count >= 10 as is_known
    from results.realised_performance as performance
    inner join results.campaigns as campaigns on performance.campaign = campaigns.campaign
    where
        campaigns.variant_of is null
        and performance.forecast_count >= 10
)

select
    days.campaign,
    days.model_version,
    strftime(days.scored_on, '%Y-%m-%d') as scored_on,
    days.forecast_count,
    case when days.is_known then days.known_count end as known_count,
    case when days.is_known then days.expected_conversions end as expected,
    case when days.is_known then days.realised_conversions end as realised,
    case when days.is_known then days.realised_to_expected end as realised_to_expected,
    case when days.is_known then days.lower end as lower,
    case when days.is_known then days.upper end as upper,
    case
        when not days.is_known then 'not known yet'
        when days.is_within then 'as expected'
        when days.realised_to_expected > 1 then 'more than expected'
        else 'fewer than expected'
    end as verdict
from (select 1) as guard
left join days on true
order by days.campaign, days.scored_on
