with newest as (
    select * from {{ ref('segmenters') }}
),

choices as (
    select
        campaign,
        unnest(choices) as choice,
    from newest
),

listed as (
    select
        campaign,
        choice.segment_count as segment_count,
        choice.inertia as inertia,
        choice.silhouette as silhouette,
        choice.davies_bouldin as davies_bouldin,
        choice.stability as stability,
        choice.smallest_share as smallest_share,
        choice.is_chosen as is_chosen,
    from choices
)

select * from listed
