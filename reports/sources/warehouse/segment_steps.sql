-- One row per campaign and step from columns to the space that segments lie in.
select
    steps.campaign,
    steps.step,
    replace(steps.feature, '_', ' ') as feature,
    steps.weight,
    steps.action,
    steps.measured,
    steps.detail
from (select 1) as guard
left join results.segment_steps as steps on true
