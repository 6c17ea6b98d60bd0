-- One row per campaign that has segments: how they were made.
with

counted as (
    select
        campaign,
        count(*) as segment_count,
        sum(contacts) > 0 as has_label
    from results.segments
    group by campaign
),

spending as (
    select distinct campaign from results.segment_spending
),

-- nobody is told of by a difference: fewer than ten who moved are not counted
moved as (
    select
        campaign,
        strftime(min(moved_on), '%-d %B %Y') as moved_from,
        sum(member_count) filter (where member_count >= 10) as moved_count,
        case
            when sum(member_count) filter (where member_count < 10) >= 10
                then sum(member_count) filter (where member_count < 10)
        end as moved_hidden_count
    from (
        select
            campaign,
            from_segment_id,
            to_segment_id,
            min(moved_on) as moved_on,
            sum(member_count) as member_count
        from results.segment_migrations
        group by campaign, from_segment_id, to_segment_id
    ) as pairs
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
    segmenters.chosen_because,
    segmenters.refused_reason,
    segmenters.lookalike_roc_auc,
    strftime(segmenters.trained_at, '%-d %B %Y') as fitted_on,
    campaigns.campaign is not null as has_model_page,
    counted.segment_count,
    counted.has_label,
    spending.campaign is not null as has_spending,
    split_part(segmenters.map_x_meaning, ' → ', 1) as map_left,
    split_part(segmenters.map_x_meaning, ' → ', 2) as map_right,
    split_part(segmenters.map_y_meaning, ' → ', 1) as map_bottom,
    split_part(segmenters.map_y_meaning, ' → ', 2) as map_top,
    segmenters.map_share,
    moved.campaign is not null as has_moved,
    moved.moved_from,
    cast(moved.moved_count as integer) as moved_count,
    cast(moved.moved_hidden_count as integer) as moved_hidden_count,
    campaigns.base_rate
from (select 1) as guard
left join counted on true
left join results.segmenters as segmenters
    on counted.campaign = segmenters.campaign
left join results.campaigns as campaigns
    on segmenters.campaign = campaigns.campaign
left join spending on counted.campaign = spending.campaign
left join moved on counted.campaign = moved.campaign
