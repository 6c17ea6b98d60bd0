"""From JSON rows to the matrix that a model reads; a row that is not understood is refused in a sentence."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

LONGEST_TEXT = 1_000
# XGBoost reads 32 bits and fails on what they cannot hold, a whole batch for one number.
LARGEST_NUMBER = float(np.finfo(np.float32).max)
_ALLOWED: dict[str, set[type]] = {
    "integer": {int, float, type(None)},
    "number": {int, float, type(None)},
    "boolean": {bool, type(None)},
    "text": {str, type(None)},
}
_SAID = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    dict: "an object",
    list: "a list",
}


@dataclass(frozen=True)
class Field:
    """A column that a row has to name: its kind is integer, number, boolean or text; any may be null."""

    name: str
    kind: str
    # the mart holds it with 32 bits
    is_short: bool = False

    @classmethod
    def of(cls, name: str, sql_type: str) -> "Field":
        """The field of a mart's column."""
        if sql_type == "BOOLEAN":
            return cls(name, "boolean")
        if sql_type == "VARCHAR" or sql_type.startswith("ENUM"):
            return cls(name, "text")
        return cls(name, "integer" if "INT" in sql_type else "number", sql_type == "FLOAT")

    @property
    def schema(self) -> dict[str, Any]:
        """JSON Schema."""
        kind = "string" if self.kind == "text" else self.kind
        limit = {"maxLength": LONGEST_TEXT} if self.kind == "text" else {}
        return {"type": [kind, "null"]} | limit


@dataclass(frozen=True)
class Read:
    """Rows that were understood, by their place in the request, and why others were not.

    `columns` has the values of each field, of the understood rows; `keys` what names them, if they say so.
    """

    places: list[int]
    columns: list[list[Any]]
    keys: list[str | None]
    refusals: dict[int, str]


def read_rows(rows: Sequence[Any], fields: Sequence[Field], key: str) -> Read:
    """Take rows apart into columns.

    Parameters
    ----------
    rows : sequence
        Objects with a value (or null) for each field, and perhaps the key.
    fields : sequence of Field
        What has to be there.
    key : str
        Name of the key, which may be there, as text or whole number.
    """
    names = {field.name for field in fields}
    refusals: dict[int, str] = {}
    places: list[int] = []
    for place, row in enumerate(rows):
        if type(row) is dict and (row.keys() == names or row.keys() - {key} == names - {key}):
            places.append(place)
        else:
            refusals[place] = _misfit(row, names, key)
    for field in fields:
        wrong = _wrong(field, [rows[place].get(field.name) for place in places])
        if wrong:
            refusals |= {places[at]: sentence for at, sentence in wrong.items()}
            places = [place for place in places if place not in refusals]
    keys: list[str | None] = []
    for place in list(places):
        value = rows[place].get(key)
        if value is None or type(value) is int or (type(value) is str and len(value) <= LONGEST_TEXT):
            keys.append(None if value is None else str(value))
        else:
            refusals[place] = (
                f"field '{key}' is the row's key: text of up to {LONGEST_TEXT} letters, or a whole number"
            )
            places.remove(place)
    columns = [[rows[place].get(field.name) for place in places] for field in fields]
    return Read(places, columns, keys, dict(sorted(refusals.items())))


def _misfit(row: Any, names: set[str], key: str) -> str:
    if type(row) is not dict:
        return f"a row is an object of fields and values, not {_SAID.get(type(row), 'null')}"
    if unknown := sorted(row.keys() - names - {key}):
        return f"field '{unknown[0][:80]}' is unknown; the fields are {', '.join(sorted(names))}"
    missing = sorted(names - row.keys())
    return f"field '{missing[0]}' is missing; give null where it is not known"


def _wrong(field: Field, values: list[Any]) -> dict[int, str]:
    """Why some values of a field cannot be read, by their place."""
    kinds = set(map(type, values))
    wrong: dict[int, str] = {}
    if kinds - _ALLOWED[field.kind]:
        is_text = field.kind == "text"
        expected = "text" if is_text else "true or false" if field.kind == "boolean" else "a number"
        for at, value in enumerate(values):
            if type(value) not in _ALLOWED[field.kind]:
                wrong[at] = f"field '{field.name}' is {_SAID[type(value)]}, not {expected} or null"
    if field.kind in ("integer", "number"):
        for at, value in enumerate(values):
            if type(value) in (int, float) and not -LARGEST_NUMBER <= value <= LARGEST_NUMBER:
                wrong[at] = f"field '{field.name}' is {value!r}; at most {LARGEST_NUMBER:.1e} either way"
    if field.kind == "integer" and float in kinds:
        for at, value in enumerate(values):
            if type(value) is float and not value.is_integer():
                wrong[at] = f"field '{field.name}' is {value!r}, no whole number"
    if field.kind == "text" and str in kinds:
        for at, value in enumerate(values):
            if type(value) is str and len(value) > LONGEST_TEXT:
                wrong[at] = (
                    f"field '{field.name}' has {len(value):,} letters; at most {LONGEST_TEXT:,} are allowed"
                )
    return wrong


def matrix_of(read: Read, fields: Sequence[Field], codes: dict[str, dict[str, int]]) -> np.ndarray:
    """What `Design.matrix` makes of a frame of these rows: rows x fields, NaN where not known.

    `codes` holds the number of each category that was there in training.
    """
    matrix = np.empty((len(read.places), len(fields)))
    for position, (field, values) in enumerate(zip(fields, read.columns, strict=True)):
        if field.name in codes:
            known = codes[field.name]
            matrix[:, position] = [known.get(value, np.nan) for value in values]
        else:
            matrix[:, position] = np.array(values, dtype=np.float32 if field.is_short else np.float64)
    return matrix
