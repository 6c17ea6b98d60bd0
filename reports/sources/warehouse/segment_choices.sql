-- One row per campaign and number of segments that was tried.
select
    choices.campaign,
    choices.segment_count,
    choices.silhouette,
    choices.davies_bouldin,
    choices.stability,
    choices.smallest_share,
    choices.overlap,
    choices.is_chosen
from (select 1) as guard
left join results.segment_choices as choices on true
