{{ config(tags='not_daily') }}
-- every member is contacted, held out, left out or unsent, and ranks are 1, 2, ... at most with gaps of
-- those who asked to be erased
with count_rows as (
    select
        audience_id,
        count(*) as member_count,
        max(rank) as last_rank,
    from {{ ref('audience_members') }}
    group by audience_id
)

select audiences.*
from {{ ref('audiences') }} as audiences
left join count_rows on audiences.audience_id = count_rows.audience_id
where
    audiences.candidate_count != coalesce(count_rows.member_count, 0)
    or audiences.candidate_count
    != audiences.contact_count
    + audiences.suppressed_count
    + audiences.holdout_count
    + audiences.unsent_count
    or count_rows.last_rank < count_rows.member_count
