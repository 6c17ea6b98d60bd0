-- One row per campaign and check of its data.
select
    replace(campaign, '_', ' ') as campaign,
    replace(check_name, '_', ' ') as check_name,
    measured,
    required,
    status,
    advice
from results.data_sufficiency
