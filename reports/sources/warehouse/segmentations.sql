-- One row per campaign that has segments: how they were made.
with

counted as (
    select
        campaign,
        count(*) as segment_count,
        sum(contacts) > 0 as has_label
    from results.segments
    group by campaign
)

select
    counted.campaign,
    segmenters.title,
    segmenters.question,
    segmenters.source,
    segmenters.source_kind,
    segmenters.source_note,
    segmenters.population is not null as has_population,
    segmenters.customer_rows,
    segmenters.fitted_rows,
    segmenters.chosen_because,
    segmenters.refused_reason,
    segmenters.lookalike_roc_auc,
    strftime(segmenters.trained_at, '%-d %B %Y') as fitted_on,
    campaigns.campaign is not null as has_model_page,
    counted.segment_count,
    counted.has_label,
    campaigns.base_rate
from (select 1) as guard
left join counted on true
left join results.segmenters as segmenters
    on counted.campaign = segmenters.campaign
left join results.campaigns as campaigns
    on segmenters.campaign = campaigns.campaign
