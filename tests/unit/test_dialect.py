"""The project's SQL in Spark's dialect: what means another thing there, on the smallest queries. No Java."""

import pytest

pytest.importorskip("sqlglot", reason="make setup-spark has not run")

from python_models.engines.spark.dialect import java_format, to_spark


@pytest.mark.parametrize(
    ("ours", "spark"),
    [
        ("select a, b, from t", "SELECT a, b FROM t"),
        ("with x as not materialized (select 1 as a) from x", "WITH x AS (SELECT 1 AS a) SELECT * FROM x"),
        (
            "select * exclude (a) replace (lower(b) as b) from t",
            "SELECT * EXCEPT (a, b), LOWER(b) AS b FROM t",
        ),
        # lists are walked together, their structs' fields become columns
        ("select unnest(a) as k, unnest(b) as w from t", "SELECT INLINE(ARRAYS_ZIP(a, b)) AS (k, w) FROM t"),
        ("select c, unnest(a, recursive := true) from t", "SELECT c, INLINE(a) FROM t"),
        (
            "select generate_subscripts(a, 1) as i, unnest(a) as v from t",
            "SELECT (listed__.place__ + 1) AS i, listed__.value__ AS v FROM t "
            "LATERAL VIEW POSEXPLODE(a) listed__ AS place__, value__",
        ),
        # lists count from 1, from the end where the index is negative
        (
            "select a[1], a[-1] from t",
            "SELECT ELEMENT_AT(a, CAST(1 AS INT)), ELEMENT_AT(a, CAST(-1 AS INT)) FROM t",
        ),
        (
            "select a[i + 1] from t",
            "SELECT ELEMENT_AT(a, CAST(i + 1 AS INT)) FROM t",
        ),
        # a quotient of decimals would lose digits
        ("select 0.1 / a from t", "SELECT 0.1D / a FROM t"),
        ("select a // b from t", "SELECT a DIV b FROM t"),
        # nulls come last, and make no text null that is put together
        ("select a from t order by a", "SELECT a FROM t ORDER BY a NULLS LAST"),
        ("select concat(a, b) from t", "SELECT CONCAT(COALESCE(a, ''), COALESCE(b, '')) FROM t"),
        (
            "select count(*) filter (where a) over (partition by b) from t",
            "SELECT COUNT(CASE WHEN a THEN 1 END) OVER (PARTITION BY b) FROM t",
        ),
        # an alias of the same select stands for its expression in a window
        (
            "select lower(a) as b, rank() over (order by b) as r from t",
            "SELECT LOWER(a) AS b, RANK() OVER (ORDER BY (LOWER(a)) NULLS LAST) AS r FROM t",
        ),
        ("select list_distinct(a) from t", "SELECT ARRAY_DISTINCT(ARRAY_COMPACT(a)) FROM t"),
        ("select isfinite(a) from t", "SELECT ABS(a) < CAST('infinity' AS DOUBLE) FROM t"),
        (r"select regexp_escape(a) from t", r"SELECT REGEXP_REPLACE(a, '(\\W)', '\\\\$1') FROM t"),
        # blanks around a name of any script are taken off
        (
            r"select regexp_replace(a, '^[\p{Z}]+', '', 'g') from t",
            r"SELECT REGEXP_REPLACE(a, '^[\\p{Z}]+', '') FROM t",
        ),
        ("select d ->> 'title' from t", "SELECT GET_JSON_OBJECT(d, '$.title') FROM t"),
        (
            "select try_cast(try_cast(a as json) as map(varchar, float)) from t",
            "SELECT FROM_JSON(a, 'map<string, float>') FROM t",
        ),
        ("select format('{:.1f} of {:,} {}', a, b, c)", "SELECT FORMAT_STRING('%.1f of %,d %s', a, b, c)"),
        (
            "select range as i from range(0, 5)",
            "SELECT range AS i FROM (SELECT id AS range FROM RANGE(0, 5)) AS range",
        ),
        ("select a from t semi join u using (a)", "SELECT a FROM t LEFT SEMI JOIN u USING (a)"),
    ],
)
def test_a_query_means_the_same(ours: str, spark: str) -> None:
    assert to_spark(ours) == spark


def test_the_head_of_a_statement_stays_as_it_is() -> None:
    statement = "/* dbt */ create table a.b using parquet as\nselect x, from y"
    head, query = to_spark(statement).split("parquet as")
    assert (head.strip(), query.strip()) == ("create table a.b using", "SELECT x FROM y")


@pytest.mark.parametrize(
    "statement", ["show tables in a", "drop table if exists a.b", "select `a[1]` from t"]
)
def test_what_is_spark_s_own_stays_as_it_is(statement: str) -> None:
    assert to_spark(statement) == statement


def test_a_backtick_in_a_text_makes_no_statement_spark_s_own() -> None:
    assert to_spark("select '`' as a, -- it`s\n from t") == "SELECT '`' AS a FROM t"


def test_a_time_is_read_by_the_first_format_that_fits() -> None:
    read = to_spark("select try_strptime(a, ['%Y %b %d', '%m/%d/%y %H:%M'])")
    assert "TRY_TO_TIMESTAMP(a, 'yyyy MMM d'), TRY_TO_TIMESTAMP(a, 'M/d/yy H:m')" in read
    assert java_format("%Y%m%dT%H%M%S") == "yyyyMMdd'T'HHmmss"
