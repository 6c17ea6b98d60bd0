"""Attributes of a sample as SQL columns, generated from a table with one row per attribute.

Columns of `<source>_attributes.csv`:

- `attribute`: name of the column.
- `level`: what it describes, and the id that seeds its draw: person, household, building, microcell,
  postcode or region.
- `kind`: a macro of the script (`ordinal`, `nominal`, `amount`, `percent`, `flag`, `word`); `whole` or `text`
  for a value without noise; `sql` for an expression that is never unknown.
- `value`: the signal behind the attribute, or the value itself.
- `size`: number of classes, median amount, mean percentage, share of ones, or the words.
- `unknown`: share of unknown values.
- `codes`: what is written for unknown.
- `draw`: another attribute whose random draw is reused, so that both are nearly the same. An empty `value`
  then repeats its signal too.
"""

import csv
from pathlib import Path

REPEAT_NOISE = 0.1


def attribute_columns(table: Path) -> str:
    """Return the select list of the attributes in `table`."""
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    signals = {row["attribute"]: row["value"] for row in rows}
    return ",\n    ".join(f"{_expression(row, signals)} as {row['attribute']}" for row in rows)


def _expression(row: dict[str, str], signals: dict[str, str]) -> str:
    kind, level, value = row["kind"], row["level"], row["value"]
    if kind == "sql":
        return value
    codes = _list(row["codes"], is_text=kind == "text")
    draw = row["draw"] or row["attribute"]
    if kind in ("whole", "text"):
        macro = "known" if kind == "text" else kind
        return f"{macro}({level}, '{draw}', {row['unknown']}, {codes}, {value})"
    if row["draw"]:
        value = f"{value or signals[draw]} + {REPEAT_NOISE} * normal({level}, '{row['attribute']}')"
    size = _list(row["size"], is_text=True) if kind == "word" else row["size"]
    return f"{kind}({level}, '{draw}', {value}, {size}, {row['unknown']}, {codes})"


def _list(items: str, is_text: bool) -> str:
    """Return blank-separated items as a DuckDB list, `null` unquoted."""
    quoted = (f"'{item}'" if is_text and item != "null" else item for item in items.split())
    return f"[{', '.join(quoted)}]"
