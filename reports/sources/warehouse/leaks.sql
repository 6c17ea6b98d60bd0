-- One row per campaign, feature and check of leakage that did not just pass.
with

findings as (
    select * from results.leakage_checks
    where status != 'pass'
)

select
    findings.campaign,
    replace(findings.feature, '_', ' ') as feature,
    replace(findings.check_name, '_', ' ') as check_name,
    findings.measured,
    findings.limit as "limit",
    findings.status,
    findings.advice
from (select 1) as guard
left join findings on true
