-- One row per campaign with a known outcome: whether contacting pays, all weeks together.
-- Groups of under ten people have no figures.
with

measured as (
    select
        *,
        verdict != 'not measured' and contact_count >= 10 and holdout_count >= 10
            as has_figures
    from results.contact_payoff
)

select
    measured.campaign,
    measured.week_count,
    if(measured.has_figures, measured.verdict, 'not measured') as payoff_verdict,
    if(measured.has_figures, measured.further_weeks, null) as further_weeks,
    if(measured.contact_count >= 10, measured.gross_profit, null) as gross_profit,
    if(measured.has_figures, measured.contact_count, null) as payoff_contact_count,
    if(measured.has_figures, measured.holdout_count, null) as payoff_holdout_count,
    if(measured.has_figures, measured.incremental_conversions, null) as added_conversions,
    if(measured.has_figures, measured.incremental_conversions_lower, null)
        as added_conversions_lower,
    if(measured.has_figures, measured.incremental_conversions_upper, null)
        as added_conversions_upper,
    if(measured.has_figures, measured.incremental_profit, null) as added_profit,
    if(measured.has_figures, measured.incremental_profit_lower, null) as added_profit_lower,
    if(measured.has_figures, measured.incremental_profit_upper, null) as added_profit_upper
from (select 1) as guard
left join measured on true
