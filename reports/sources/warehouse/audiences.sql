-- One row per campaign: its newest audience. A group of under ten people has no count.
with

newest as (
    select * from results.audiences
    where purpose = 'contact'
    qualify row_number() over (
        partition by campaign order by selected_at desc, audience_id asc
    ) = 1
)

select
    newest.campaign,
    strftime(newest.week_start, '%-d %B %Y') as week_of,
    newest.contact_count > 0 as has_audience,
    case when newest.contact_count >= 10 then newest.contact_count end
        as audience_count,
    newest.expected_conversions as audience_conversions,
    newest.expected_conversions_lower as audience_conversions_lower,
    newest.expected_conversions_upper as audience_conversions_upper,
    newest.contact_cost as audience_cost,
    newest.expected_profit as audience_profit,
    newest.expected_profit_lower as audience_profit_lower,
    newest.expected_profit_upper as audience_profit_upper,
    newest.suppressed_count > 0 as has_suppressed,
    case when newest.suppressed_count >= 10 then newest.suppressed_count end
        as suppressed_count,
    newest.holdout_count > 0 as has_holdout,
    case when newest.holdout_count >= 10 then newest.holdout_count end as holdout_count,
    newest.old_count > 0 as has_old,
    case when newest.old_count >= 10 then newest.old_count end as old_count,
    newest.used_count > 0 as has_used,
    case when newest.used_count >= 10 then newest.used_count end as used_count,
    newest.holdout_required_count,
    newest.is_holdout_sufficient
from (select 1) as guard
left join newest on true
