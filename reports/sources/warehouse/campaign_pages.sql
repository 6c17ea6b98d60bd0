-- One row per campaign and page that it has, in the order of the tabs.
with

campaigns as (
    select
        campaign,
        title,
        true as has_model
    from results.campaigns
    where variant_of is null
    union all
    select
        segmenters.campaign,
        segmenters.title,
        false as has_model
    from results.segmenters as segmenters
    anti join results.campaigns as campaigns
        on segmenters.campaign = campaigns.campaign
),

page_names (page, page_order, label, folder) as (
    values
        ('answer', 1, 'Whom to contact', ''),
        ('segments', 2, 'Segments', 'segments/'),
        ('exploration', 3, 'Exploration', 'exploration/'),
        ('monitoring', 4, 'Monitoring', 'monitoring/'),
        ('model-card', 5, 'Model card', 'model-card/')
),

offered as (
    select
        campaigns.campaign,
        campaigns.title,
        page_names.page,
        page_names.page_order,
        page_names.label,
        concat('/campaigns/', campaigns.campaign, '/', page_names.folder) as path
    from campaigns
    cross join page_names
    where
        (page_names.page != 'model-card' or campaigns.has_model)
        and (
            page_names.page != 'segments'
            or campaigns.campaign in (select segments.campaign from results.segments as segments)
        )
)

select offered.*
from (select 1) as guard
left join offered on true
order by offered.campaign, offered.page_order
