-- One row per source and kind of file: what became of its rows.
select
    counts.source,
    replace(counts.source, '_', ' ') as source_name,
    replace(counts.thing, '_', ' ') as thing,
    concat(replace(counts.source, '_', ' '), ': ', replace(counts.thing, '_', ' ')) as label,
    counts.file_count,
    counts.rows_in,
    counts.rows_kept,
    counts.rows_rejected,
    counts.rows_repeated,
    counts.rows_erased,
    counts.rows_in - counts.rows_kept as rows_left_out,
    (counts.rows_in - counts.rows_kept) / nullif(counts.rows_in, 0) as share_left_out
from (select 1) as guard
left join results.source_rows as counts on true
order by share_left_out desc, counts.source, counts.thing
