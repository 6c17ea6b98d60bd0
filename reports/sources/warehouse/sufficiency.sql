-- One row per campaign and check of its data.
select
    campaign,
    replace(campaign, '_', ' ') as campaign_name,
    replace(check_name, '_', ' ') as check_name,
    measured,
    required,
    status,
    advice
from results.data_sufficiency
