-- Rows that could not be used, counted by source and kind of reason. What follows
-- the colon of a reason is the row itself, so it stays out.
with

rejections as (
    select
        source,
        split_part(reason, ':', 1) as reason,
        count(*) as row_count
    from results.rejected_rows
    group by all
)

select
    rejections.source,
    rejections.reason,
    rejections.row_count
from (select 1) as guard
left join rejections on true
