-- One row per source and column that was cleaned.
select
    cleaning.source,
    replace(replace(cleaning.column_name, '.', ': '), '_', ' ') as column_name,
    cleaning.rows_in,
    cleaning.set_to_missing,
    cleaning.recoded,
    cleaning.clipped
from (select 1) as guard
left join results.cleaning_report as cleaning on true
