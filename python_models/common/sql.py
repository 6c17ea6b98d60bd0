"""Identifiers, literals and sums as DuckDB SQL."""

from collections.abc import Iterable

MAX_TERMS_PER_SUM = 50


def quote_identifier(name: str) -> str:
    """Quote a column name as a DuckDB identifier.

    >>> quote_identifier("order")
    '"order"'
    """
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """Return a text as a literal.

    >>> text_literal("it's")
    "'it''s'"
    """
    return "'" + text.replace("'", "''") + "'"


def text_literals(texts: Iterable[str]) -> str:
    """Return some texts as literals, with commas between them."""
    return ", ".join(map(text_literal, texts))


def hashed_below(key: str, share: float) -> str:
    """Return a SQL condition that holds for a share of the keys, by 32 bits of their MD5 hash.

    >>> hashed_below("client_id", 0.5)
    "left(md5(cast(client_id as string)), 8) < '80000000'"
    """
    if share >= 1:
        return "true"
    return f"left(md5(cast({key} as string)), 8) < '{round(share * 2**32):08x}'"


def column_names(prefix: str, count: int) -> list[str]:
    """Return the names that `select_aliased` gives.

    >>> column_names("p", 2)
    ['p0', 'p1']
    """
    return [f"{prefix}{index}" for index in range(count)]


def select_aliased(prefix: str, expressions: Iterable[str]) -> str:
    """Return a select list that names each expression by the prefix and its position.

    >>> select_aliased("p", ["age / 10", "ln(spend)"])
    'age / 10 as p0, ln(spend) as p1'
    """
    return ", ".join(f"{expression} as {prefix}{index}" for index, expression in enumerate(expressions))


def double_literal(number: float) -> str:
    """Return a number as a DuckDB double: without an exponent it would be a decimal, which rounds.

    >>> double_literal(0.1)
    '0.1e0'
    """
    text = repr(float(number))
    return text if "e" in text else f"{text}e0"


def weighted_sum(weights: Iterable[float], values: Iterable[str]) -> str:
    """Return the sum of weights x values.

    >>> weighted_sum([2, -1], ["a", "b"])
    '2.0e0 * a + -1.0e0 * b'
    """
    pairs = zip(weights, values, strict=True)
    return balanced_sum([f"{double_literal(weight)} * {value}" for weight, value in pairs])


def balanced_sum(terms: list[str]) -> str:
    """Return the sum of the terms as a balanced tree: DuckDB limits the depth of an expression."""
    if len(terms) <= MAX_TERMS_PER_SUM:
        return " + ".join(terms)
    half = len(terms) // 2
    return f"({balanced_sum(terms[:half])}) + ({balanced_sum(terms[half:])})"
