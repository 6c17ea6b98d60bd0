-- One row per campaign and week of contacts: what was expected and what came true, once
-- ten outcomes are known, with the profit that the contact itself brought by then.
with

weeks as (
    select
        track_record.*,
        track_record.known_count >= 10 as is_known
    from results.track_record as track_record
    where track_record.contact_count >= 10
)

select
    weeks.campaign,
    strftime(weeks.week_start, '%Y-%m-%d') as week_start,
    weeks.contact_count,
    case when weeks.is_known then weeks.known_count end as known_count,
    case when weeks.is_known then weeks.expected_conversions end as expected,
    case when weeks.is_known then weeks.expected_conversions_lower end as expected_lower,
    case when weeks.is_known then weeks.expected_conversions_upper end as expected_upper,
    case when weeks.is_known then weeks.realised_conversions end as realised,
    case
        when not weeks.is_known or weeks.is_within is null then 'not known yet'
        when weeks.is_within then 'as expected'
        when weeks.realised_conversions > weeks.expected_conversions then 'more than expected'
        else 'fewer than expected'
    end as verdict,
    case when weeks.is_known then weeks.gross_profit_so_far end as gross_so_far,
    case when weeks.is_known then weeks.incremental_profit_so_far end as incremental_so_far,
    case when weeks.is_known then weeks.incremental_profit_so_far_lower end
        as incremental_so_far_lower,
    case when weeks.is_known then weeks.incremental_profit_so_far_upper end
        as incremental_so_far_upper
from (select 1) as guard
left join weeks on true
order by weeks.campaign, weeks.week_start
