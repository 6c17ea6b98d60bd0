{{ config(severity='warn') }}
-- one campaign's drift, promise or refused model holds back its own new audience only;
-- the log of the build says why
select
    campaign,
    held_back_reason,
from {{ ref('campaigns') }}
where held_back_reason is not null
