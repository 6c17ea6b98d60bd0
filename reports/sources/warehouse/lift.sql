-- One row per campaign: what the contact made, in its newest audience with known
-- outcomes. Groups of under ten people have no figures.
with

measured as (
    select
        lift.*,
        audiences.week_start,
        row_number() over (
            partition by lift.campaign order by audiences.selected_at desc
        ) as newest_first
    from results.campaign_lift as lift
    inner join results.audiences as audiences
        on lift.audience_id = audiences.audience_id
    where
        audiences.purpose = 'contact'
        and lift.decile = 0
        and lift.contacted_count >= 10
        and lift.holdout_count >= 10
)

select
    measured.campaign,
    strftime(measured.week_start, '%-d %B %Y') as week_of,
    measured.contacted_count,
    measured.contacted_rate,
    measured.holdout_count,
    measured.holdout_rate,
    measured.incremental_conversions,
    measured.lower,
    measured.upper,
    measured.p_value
from (select 1) as guard
left join measured on measured.newest_first = 1
