-- One row per campaign and check of its data.
select
    checks.campaign,
    replace(checks.campaign, '_', ' ') as campaign_name,
    replace(checks.check_name, '_', ' ') as check_name,
    checks.measured,
    checks.required,
    checks.status,
    checks.advice
from (select 1) as guard
left join results.data_sufficiency as checks on true
