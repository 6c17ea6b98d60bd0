-- One row per campaign and segment. A segment of under ten members keeps its
-- name and loses its figures.
with

segments as (
    select
        *,
        not is_small as is_shown
    from results.segments
)

select
    segments.campaign,
    segments.segment_id,
    segments.segment_name,
    segments.segment_slug,
    segments.advice,
    case when is_shown then segments.member_count end as member_count,
    case when is_shown then segments.share_of_customers end as share_of_customers,
    case when is_shown then segments.share_of_population end as share_of_population,
    case when is_shown then segments.index_value end as index_value,
    case when is_shown then segments.p_value end as p_value,
    case when is_shown then segments.mean_lookalike_probability end
        as mean_lookalike_probability,
    case when is_shown then segments.conversion_rate end as conversion_rate,
    case when is_shown then segments.lower end as lower,
    case when is_shown then segments.upper end as upper,
    case when is_shown then segments.lift end as lift
from (select 1) as guard
left join segments on true
