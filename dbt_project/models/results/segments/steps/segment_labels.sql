with segmenters as (
    select * from {{ ref('segmenters') }}
),

chosen_names as (
    select * from {{ ref('segment_names') }}
),

profiles as (
    select
        campaign,
        unnest(profiles, recursive := true),
    from segmenters
),

given_names as (
    select distinct
        campaign,
        segment_id,
        segment_name,
    from profiles
),

names as (
    select
        given_names.campaign,
        given_names.segment_id,
        coalesce(chosen_names.segment_name, given_names.segment_name)
            as segment_name,
    from given_names
    left join chosen_names using (campaign, segment_id)
),

places as (
    select
        campaign,
        unnest(from_json(model_body -> 'segment_ids', '["BIGINT"]'))
            as segment_id,
        unnest(from_json(model_body -> 'map' -> 'x', '["DOUBLE"]')) as map_x,
        unnest(from_json(model_body -> 'map' -> 'y', '["DOUBLE"]')) as map_y,
    from segmenters
),

add_places as (
    select
        names.campaign,
        names.segment_id,
        names.segment_name,
        places.map_x,
        places.map_y,
    from names
    left join places using (campaign, segment_id)
)

select * from add_places
