"""A base model that loses rows says so by reason."""

import duckdb
import jinja2
import pytest

from tests.support import PROJECT


@pytest.mark.parametrize(
    ("rejected", "found"), [(1, []), (2, [("column 'day': a value is not a date", 2, 2, 101)])]
)
def test_reasons_are_counted_where_more_than_a_hundredth_is_lost(
    rejected: int, found: list[tuple[object]]
) -> None:
    macro = (PROJECT / "macros/check_rejected_rows.sql").read_text().partition("{# The three commonest")[2]
    query = jinja2.Template("{#" + macro + "{{ rejected_row_counts('base') }}").render()
    connection = duckdb.connect()
    connection.execute(f"""
        create table base as
        select
            if(i < {rejected}, 'rejected', 'kept') as row_status,
            if(i < {rejected}, concat('column ''day'': ''', i, ''' is not a date'), null) as reject_reason
        from range(101) as _(i)
        union all by name select 'duplicate' as row_status, 'duplicated key: id ''1''' as reject_reason
        from range(500)
    """)
    assert connection.sql(query).fetchall() == found
