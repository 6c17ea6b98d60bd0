-- One row per campaign that is no variant, with its model card as Markdown. Python writes
-- the cards from the same warehouse just before (scripts/evidence.mjs).
with

cards as (
    select * from read_json(
        '.evidence/model_cards.json',
        columns = {'campaign': 'varchar', 'body': 'varchar'}
    )
),

shown as (
    select
        campaigns.campaign,
        campaigns.title,
        campaigns.question,
        cards.body
    from results.campaigns as campaigns
    left join cards on campaigns.campaign = cards.campaign
    where campaigns.variant_of is null
)

select shown.*
from (select 1) as guard
left join shown on true
