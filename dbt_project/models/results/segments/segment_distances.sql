with segmenters as (
    select * from {{ ref('segmenters') }}
),

centroids as (
    select
        campaign,
        unnest(from_json(model_body -> 'segment_ids', '["BIGINT"]'))
            as segment_id,
        unnest(from_json(model_body -> 'centroids', '[["DOUBLE"]]'))
            as centroid,
    from segmenters
),

distances as (
    select
        centroids.campaign,
        centroids.segment_id,
        others.segment_id as other_segment_id,
        list_distance(centroids.centroid, others.centroid) as distance,
    from centroids
    inner join centroids as others
        on
            centroids.campaign = others.campaign
            and centroids.segment_id != others.segment_id
),

rank_rows as (
    select
        *,
        row_number() over (
            partition by campaign, segment_id
            order by distance, other_segment_id
        ) as rank,
    from distances
)

select * from rank_rows
