"""Identifiers, literals and sums as DuckDB SQL."""

from collections.abc import Iterable


def quote_identifier(name: str) -> str:
    """A column's name as DuckDB's identifier."""
    return '"' + name.replace('"', '""') + '"'


def hashed_below(key: str, share: float) -> str:
    """SQL condition that is true for a share of the keys, by their hash: 32 bits of MD5, compared as text."""
    if share >= 1:
        return "true"
    return f"left(md5(cast({key} as string)), 8) < '{round(share * 2**32):08x}'"


MAX_TERMS_PER_SUM = 50


def names_of(prefix: str, count: int) -> list[str]:
    """The names that `named` gives."""
    return [f"{prefix}{at}" for at in range(count)]


def named(prefix: str, expressions: Iterable[str]) -> str:
    """A select list: the expressions under the prefix and their position."""
    return ", ".join(f"{expression} as {prefix}{at}" for at, expression in enumerate(expressions))


def literal(number: float) -> str:
    """A number as DuckDB's double: without an exponent it would be a decimal, which rounds."""
    written = repr(float(number))
    return written if "e" in written else f"{written}e0"


def weighted_sum(weights: Iterable[float], values: Iterable[str]) -> str:
    """Sum of weights x values, halved again and again: DuckDB bounds how deep an expression may be."""
    return total([f"{literal(weight)} * {value}" for weight, value in zip(weights, values, strict=True)])


def total(terms: list[str]) -> str:
    """Sum of some expressions."""
    if len(terms) <= MAX_TERMS_PER_SUM:
        return " + ".join(terms)
    half = len(terms) // 2
    return f"({total(terms[:half])}) + ({total(terms[half:])})"
