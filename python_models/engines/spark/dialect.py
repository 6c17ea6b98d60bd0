"""Translate the project's SQL, written for DuckDB, to Spark SQL.

sqlglot knows most differences (functions, quotes, the order of nulls, types). The rules below cover what it
does not know, or what has another meaning on Spark. Differences that depend on column types are dispatched
macros, or written in SQL that both engines understand.
"""

import re
from functools import lru_cache
from typing import ClassVar

from sqlglot import exp, parse_one
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.dialects.spark import Spark

_BODY = re.compile(
    r"(?P<comment>\s*(?:/\*.*?\*/|--[^\n]*\n|\s)*)"
    r"(?P<head>(?:create\s+(?:or\s+replace\s+)?(?:temporary\s+)?(?:table|view)\b.*?\bas\s"
    r"|insert\s+(?:into|overwrite)\s+(?:table\s+)?[\w.`]+)?)"
    r"(?P<query>(?:\s|--[^\n]*\n)*\(?\s*(?:with|select|from)\b.*)",
    re.IGNORECASE | re.DOTALL,
)
_TEXTS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)


class Source(DuckDB):  # type: ignore[misc]  # sqlglot is untyped
    """DuckDB's dialect as the project uses it: `len` is for lists only, `length` for text."""

    INDEX_OFFSET = 0

    class Parser(DuckDB.Parser):  # type: ignore[misc]
        """Parser without the functions that sqlglot would give another meaning."""

        FUNCTIONS = {  # noqa: RUF012
            name: builder
            for name, builder in DuckDB.Parser.FUNCTIONS.items()
            if name not in ("LEN", "LIST_DISTINCT", "LIST_CONCAT")
        }


class Target(Spark):  # type: ignore[misc]
    """Spark's dialect, with Spark types for those that only DuckDB has."""

    class Generator(Spark.Generator):  # type: ignore[misc]
        """Generator with the additional types."""

        TYPE_MAPPING = Spark.Generator.TYPE_MAPPING | {
            exp.DType.UTINYINT: "SMALLINT",
            exp.DType.USMALLINT: "INT",
            exp.DType.UINT: "BIGINT",
            exp.DType.UBIGINT: "BIGINT",
            exp.DType.INT128: "DECIMAL(38, 0)",
        }
        # Spark scopes nested CTEs as DuckDB does; moved to the top, those of two steps could share a name
        EXPRESSIONS_WITHOUT_NESTED_CTES: ClassVar[set[type[exp.Expression]]] = set()


@lru_cache(maxsize=512)
def to_spark(statement: str) -> str:
    """Translate the query of a statement, if it has one, to Spark's dialect.

    Other statements stay as they are, and so does SQL with backticks, which is Spark's own.
    """
    parts = _BODY.fullmatch(statement)
    if parts is None or "`" in _TEXTS.sub("", statement):
        return statement
    query = parse_one(parts["query"].strip().rstrip(";"), dialect=Source)
    return f"{parts['head']}{translated(query).sql(dialect=Target, comments=False)}"


def expression_to_spark(expression: str) -> str:
    """Translate a condition or value to Spark's dialect."""
    return str(translated(parse_one(expression, dialect=Source)).sql(dialect=Target))


def translated(query: exp.Expression) -> exp.Expression:
    """Rewrite a parsed DuckDB query so that it means the same on Spark."""
    for select in list(query.find_all(exp.Select)):
        _put_aliases_into_windows(select)
        _unnest_in_select(select)
        _replace_in_star(select)
    # from the leaves up, so that each rule sees rewritten children
    for node in reversed(list(query.walk())):
        rule = next((rule for kind, rule in _RULES.items() if isinstance(node, kind)), None)
        if rule and (changed := rule(node)) is not node:
            query = changed if node is query else query
            node.replace(changed)
    return query


def _plain_cte(node: exp.CTE) -> exp.Expression:
    node.set("materialized", None)
    return node


def _double(node: exp.Literal) -> exp.Expression:
    """Mark numbers with a point as doubles: Spark divides decimals with fewer digits."""
    if node.is_string or not re.fullmatch(r"[0-9]*\.[0-9]+|[0-9.]+e-?[0-9]+", node.name.lower()):
        return node
    return exp.Var(this=f"{node.name}D")


def _join(node: exp.Join) -> exp.Expression:
    if node.args.get("kind") in ("SEMI", "ANTI"):
        node.set("side", "LEFT")
    return node


def _window(node: exp.Window) -> exp.Expression:
    """Replace the filter of a window aggregate, which Spark lacks, by a case that gives null."""
    filtered = node.this
    if not isinstance(filtered, exp.Filter):
        return node
    aggregate, condition = filtered.this, filtered.expression.this
    counted = exp.Literal.number(1) if isinstance(aggregate.this, exp.Star) else aggregate.this
    aggregate.set("this", exp.Case(ifs=[exp.If(this=condition, true=counted)]))
    node.set("this", aggregate)
    return node


def _element(node: exp.Bracket) -> exp.Expression:
    """Translate `list[i]`: counted from 1, from the end if negative, null if out of range."""
    if len(node.expressions) != 1 or isinstance(node.expressions[0], exp.Slice):
        return node
    return exp.func("ELEMENT_AT", node.this, exp.cast(node.expressions[0], "int"))


def _table(node: exp.Table) -> exp.Expression:
    """Translate the table function `range(a, b)`, whose column Spark calls id instead of range."""
    function = node.this
    if isinstance(function, exp.GenerateSeries) or getattr(function, "name", "").lower() == "range":
        bounds = [value for value in (function.args.get("start"), function.args.get("end")) if value]
        bounds = bounds or function.expressions
        numbers = exp.select("id AS range").from_(exp.Anonymous(this="RANGE", expressions=bounds))
        return numbers.subquery(node.alias or "range")
    return node


_PARTS = {
    "%Y": "yyyy",
    "%y": "yy",
    "%B": "MMMM",
    "%b": "MMM",
    "%m": "M",
    "%d": "d",
    "%H": "H",
    "%M": "m",
    "%S": "s",
}


def java_format(pattern: str) -> str:
    """Translate a strftime pattern to Java's; separated numbers may lack their leading zero."""
    parts = re.findall(r"%.|[^%]", pattern)
    written = []
    for previous, part, following in zip(["", *parts], parts, [*parts[1:], ""], strict=False):
        java = _PARTS.get(part, f"'{part}'" if part.isalpha() else part)
        is_bare = len(java) == 1 and part in _PARTS and (previous in _PARTS or following in _PARTS)
        written.append(java * 2 if is_bare else java)
    return "".join(written)


def _read_time(node: exp.Expression) -> exp.Expression:
    """Translate `try_strptime(text, [formats])`: the first format that matches."""
    text, formats = node.expressions if isinstance(node, exp.Anonymous) else (node.this, node.args["format"])
    listed = formats.expressions if isinstance(formats, exp.Array) else [formats]
    tried = [
        exp.Anonymous(
            this="TRY_TO_TIMESTAMP", expressions=[text.copy(), exp.Literal.string(java_format(pattern.name))]
        )
        for pattern in listed
    ]
    return exp.cast(
        exp.func("COALESCE", *tried) if len(tried) > 1 else tried[0], "timestamp_ntz", dialect="spark"
    )


def _printf(text: exp.Expression, values: list[exp.Expression]) -> exp.Expression:
    """Translate `format('{:.1f}', x)` to `format_string('%.1f', x)`."""

    def reworded(part: exp.Expression) -> exp.Expression:
        if not (isinstance(part, exp.Literal) and part.is_string):
            return part
        pattern = part.name.replace("%", "%%").replace("{}", "%s")
        pattern = re.sub(r"\{:(,?)d?\}", r"%\1d", pattern)
        return exp.Literal.string(re.sub(r"\{:(,?)(\.\d)f\}", r"%\1\2f", pattern))

    text = text.copy().transform(reworded)
    return exp.func("FORMAT_STRING", text, *values)


def _round(value: exp.Expression, digits: exp.Expression | None = None) -> exp.Expression:
    """Translate rounding to a varying number of digits, which Spark lacks."""
    if digits is None or isinstance(digits, (exp.Literal, exp.Neg)):
        return exp.Anonymous(this="ROUND", expressions=[value] + ([digits] if digits else []))
    scale = exp.func("POWER", exp.Literal.number(10), exp.func("ABS", digits.copy()))
    up = exp.Div(
        this=exp.func("ROUND", exp.Mul(this=value.copy(), expression=scale.copy())), expression=scale.copy()
    )
    down = exp.Mul(
        this=exp.func("ROUND", exp.Div(this=value.copy(), expression=scale.copy())), expression=scale
    )
    return exp.Case(
        ifs=[exp.If(this=exp.GTE(this=digits, expression=exp.Literal.number(0)), true=up)], default=down
    )


_SCHEMA_TYPES = {"varchar": "string", "integer": "int"}


def _json(node: exp.Expression) -> exp.Expression:
    """Translate `from_json(text, '[{"a": "varchar"}]')` to Spark's schema syntax."""
    schema = node.expression.name
    fields = re.findall(r'"(\w+)"\s*:\s*"(\w+)"', schema)
    struct = ", ".join(f"{name} {_SCHEMA_TYPES.get(kind, kind)}" for name, kind in fields)
    return exp.Anonymous(
        this="FROM_JSON", expressions=[node.this, exp.Literal.string(f"array<struct<{struct}>>")]
    )


def _sql(text: str, **parts: exp.Expression) -> exp.Expression:
    """Parse Spark SQL and replace its columns by the given expressions."""
    parsed = parse_one(text, dialect="spark")
    for column in list(parsed.find_all(exp.Column)):
        if column.name in parts:
            column.replace(parts[column.name].copy())
    return parsed


def _function(node: exp.Anonymous) -> exp.Expression:
    arguments = node.expressions
    match node.name.lower():
        case "len":
            return exp.Anonymous(this="ARRAY_SIZE", expressions=arguments)
        case "hash":
            return exp.Anonymous(this="XXHASH64", expressions=arguments)
        case "isfinite":
            return _sql("abs(x__) < double('infinity')", x__=arguments[0])
        case "list_sum":
            return _sql(
                "aggregate(x__, cast(null as double), (a, b) -> coalesce(a + b, a, b))", x__=arguments[0]
            )
        case "list_count":
            return _sql("array_size(array_compact(x__))", x__=arguments[0])
        case "list_distinct":
            return _sql("array_distinct(array_compact(x__))", x__=arguments[0])
        case "list_concat":
            lists = [exp.func("COALESCE", value, exp.Array()) for value in arguments]
            return exp.Anonymous(this="CONCAT", expressions=lists)
        case "regexp_escape":
            return _sql(r"regexp_replace(x__, '(\\W)', '\\\\$1')", x__=arguments[0])
        case "try_strptime" | "strptime":
            return _read_time(node)
    return node


def _cast(node: exp.Cast) -> exp.Expression:
    """Translate a cast of JSON text to a map."""
    if not node.is_type("map") or not (isinstance(node.this, exp.Cast) and node.this.is_type("json")):
        return node
    key, value = node.to.expressions
    kinds = f"map<{key.sql(dialect=Target)}, {value.sql(dialect=Target)}>".lower()
    return exp.Anonymous(this="FROM_JSON", expressions=[node.this.this, exp.Literal.string(kinds)])


def _listed(node: exp.Filter | exp.GroupConcat) -> exp.Expression:
    """Translate `string_agg(distinct x, ', ' order by x)`: Spark's own fails with a filter."""
    listed = node.this if isinstance(node, exp.Filter) else node
    if not isinstance(listed, exp.GroupConcat) or isinstance(node.parent, exp.Filter):
        return node
    distinct = listed.find(exp.Distinct)
    if distinct is None:
        return node
    values: exp.Expression = exp.Anonymous(this="COLLECT_SET", expressions=[distinct.expressions[0].copy()])
    if isinstance(node, exp.Filter):
        values = exp.Filter(this=values, expression=node.expression)
    separator = listed.args.get("separator") or exp.Literal.string(",")
    return _sql("nullif(array_join(array_sort(x__), y__), '')", x__=values, y__=separator)


def _quantile(node: exp.Expression) -> exp.Expression:
    if node.expression is None:
        return node
    return exp.Anonymous(this="PERCENTILE", expressions=[node.this, node.expression])


_RULES = {
    exp.Cast: _cast,
    exp.CTE: _plain_cte,
    exp.Literal: _double,
    exp.Join: _join,
    exp.Window: _window,
    exp.Bracket: _element,
    exp.Table: _table,
    exp.StrToTime: _read_time,
    exp.PercentileCont: _quantile,
    exp.Format: lambda node: _printf(node.this, node.expressions),
    exp.FromJson: _json,
    exp.Filter: _listed,
    exp.GroupConcat: _listed,
    exp.Round: lambda node: _round(node.this, node.args.get("decimals")),
    exp.Anonymous: _function,
}


def _put_aliases_into_windows(select: exp.Select) -> None:
    """Expand aliases of the same select within windows, where Spark does not resolve them."""
    known: dict[str, exp.Expression] = {}
    for item in select.expressions:
        for window in list(item.find_all(exp.Window)):
            for column in list(window.find_all(exp.Column)):
                if not column.table and column.name in known and column.find_ancestor(exp.Select) is select:
                    column.replace(exp.Paren(this=known[column.name].copy()))
        if item.alias and not isinstance(item.this, exp.Column):
            known[item.alias] = item.this


def _unnest_in_select(select: exp.Select) -> None:
    """Translate `unnest` in the select list to one generator over all lists in parallel.

    With `recursive := true`, struct fields become columns; `generate_subscripts` becomes the list position.
    """
    lists = [(item, found) for item in select.expressions if (found := _unnested(item))]
    if not lists:
        return
    subscripts = [
        found
        for item in select.expressions
        for found in item.find_all(exp.Anonymous)
        if found.name.lower() == "generate_subscripts"
    ]
    is_recursive = any(_is_recursive(found) for _, found in lists)
    values = [_list_of(found) for _, found in lists]
    if len(lists) == 1 and not subscripts:
        item, found = lists[0]
        generator = exp.Anonymous(this="INLINE" if is_recursive else "EXPLODE", expressions=values)
        item.replace(generator if is_recursive else exp.alias_(generator, item.alias or "unnest"))
        return
    if not subscripts:
        zipped = exp.Anonymous(this="ARRAYS_ZIP", expressions=values)
        generator = exp.Anonymous(this="INLINE", expressions=[zipped])
        names = [exp.to_identifier(item.alias) for item, _ in lists]
        lists[0][0].replace(exp.Aliases(this=generator, expressions=names))
        for item, _ in lists[1:]:
            item.pop()
        return
    for subscript in subscripts:
        subscript.replace(parse_one("(listed__.place__ + 1)", dialect="spark"))
    item, _ = lists[0]
    listed = exp.column("value__", table="listed__")
    item.replace(
        exp.Column(this=exp.Star(), table=exp.to_identifier("value__"))
        if is_recursive
        else exp.alias_(listed, item.alias)
    )
    select.append(
        "laterals",
        exp.Lateral(
            this=exp.Anonymous(this="POSEXPLODE", expressions=values),
            view=True,
            alias=exp.TableAlias(
                this=exp.to_identifier("listed__"),
                columns=[exp.to_identifier("place__"), exp.to_identifier("value__")],
            ),
        ),
    )


def _unnested(item: exp.Expression) -> exp.Expression | None:
    return next((item for item in [item.unalias()] if isinstance(item, (exp.Unnest, exp.Explode))), None)


def _list_of(found: exp.Expression) -> exp.Expression:
    return found.expressions[0] if isinstance(found, exp.Unnest) else found.this


def _is_recursive(found: exp.Expression) -> bool:
    return "recursive" in found.sql(dialect="duckdb").lower()


def _replace_in_star(select: exp.Select) -> None:
    """Translate `* exclude (a) replace (f(b) as b)`: Spark can exclude columns, but not replace them."""
    items = []
    for item in select.expressions:
        items.append(item)
        star = item.this if isinstance(item, exp.Column) else item
        if isinstance(star, exp.Star) and (replaced := star.args.get("replace")):
            excluded = (star.args.get("except_") or []) + [
                exp.to_identifier(value.alias) for value in replaced
            ]
            star.set("replace", None)
            star.set("except_", excluded)
            items += replaced
    select.set("expressions", items)
