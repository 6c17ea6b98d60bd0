"""From the body of a request to columns; a row that cannot be read is rejected with a message."""

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import msgspec
import numpy as np
from fastapi import Request

from python_models.delivery.service.errors import api_error

MAX_ROWS = 10_000
MAX_TEXT_LENGTH = 1_000
# XGBoost reads 32 bits; one number that they cannot hold fails the whole batch.
MAX_NUMBER = float(np.finfo(np.float32).max)
_ALLOWED_TYPES: dict[str, set[type]] = {
    "integer": {int, float, type(None)},
    "number": {int, float, type(None)},
    "boolean": {bool, type(None)},
    "text": {str, type(None)},
}
_TYPE_NAMES = {
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
    dict: "an object",
    list: "a list",
}


@dataclass(frozen=True)
class Field:
    """A column that a row has to name; its kind is integer, number, boolean or text; any may be null."""

    name: str
    kind: str
    # the mart holds it with 32 bits
    is_short: bool = False

    @classmethod
    def of(cls, name: str, sql_type: str) -> "Field":
        """Return the field of a mart's column."""
        if sql_type == "BOOLEAN":
            return cls(name, "boolean")
        if sql_type == "VARCHAR" or sql_type.startswith("ENUM"):
            return cls(name, "text")
        return cls(name, "integer" if "INT" in sql_type else "number", sql_type == "FLOAT")


class RequestBody(msgspec.Struct, forbid_unknown_fields=True):
    """The rows of a request, not decoded yet, and whether it asks for reasons; None if it does not say."""

    rows: list[msgspec.Raw]
    reasons: bool | None = None


async def read_body(request: Request) -> RequestBody:
    """Read the rows of a request."""
    content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
    if content_type != "application/json":
        raise api_error("no_json", "the body must be JSON: Content-Type: application/json", 415)
    length, limit = request.headers.get("content-length", "0"), request.app.state.limits.body_bytes
    if length.isdigit() and int(length) > limit:
        raise api_error("body_too_large", f"the body has more than {limit:,} bytes", 413)
    return parse_body(await request.body())


def parse_body(content: bytes) -> RequestBody:
    """Check the content of a request, but for the rows themselves.

    Decoding 10,000 rows at once would stall all other requests.
    """
    try:
        body = msgspec.json.decode(content, type=RequestBody)
    except msgspec.ValidationError as error:
        code = "unknown_key" if "unknown field" in str(error) else "no_rows"
        message = f'{error}; the body must be an object with a list of rows: {{"rows": [{{...}}]}}'
        raise api_error(code, message, 422) from None
    except (msgspec.DecodeError, RecursionError) as error:
        raise api_error("no_json", f"the body is no JSON: {error}", 400) from None
    if not 1 <= len(body.rows) <= MAX_ROWS:
        raise api_error("row_count", f"{len(body.rows):,} rows; allowed are 1 to {MAX_ROWS:,}", 422)
    return body


def encode_rows(rows: Sequence[Any]) -> list[msgspec.Raw]:
    """Encode rows as a request holds them."""
    return [msgspec.Raw(msgspec.json.encode(row)) for row in rows]


def decode_rows(rows: Sequence[msgspec.Raw], start: int = 0) -> list[Any]:
    """Decode rows; `start` is the index of the first one in the request."""
    decoded = []
    for index, row in enumerate(rows, start):
        try:
            decoded.append(msgspec.json.decode(row))
        except (msgspec.DecodeError, RecursionError) as error:
            raise api_error("no_json", f"row {index} is no JSON: {error}", 400) from None
    return decoded


@dataclass(frozen=True)
class ParsedRows:
    """The rows that can be read, by their index in the request, and why the others cannot.

    `columns` holds the values of each field, `keys` the keys of the rows that give one.
    """

    indices: list[int]
    columns: list[list[Any]]
    keys: list[str | None]
    errors: dict[int, str]


def parse_rows(rows: Sequence[Any], fields: Sequence[Field], key: str, start: int = 0) -> ParsedRows:
    """Turn rows into columns.

    Parameters
    ----------
    rows : sequence
        Objects with a value (or null) for each field, and perhaps the key.
    fields : sequence of Field
        The fields that a row has to name.
    key : str
        Name of the key, which may be given as text or whole number.
    start : int
        Index of the first row in the request.
    """
    names = {field.name for field in fields}
    errors: dict[int, str] = {}
    indices: list[int] = []
    for index, row in enumerate(rows):
        if type(row) is dict and (row.keys() == names or row.keys() - {key} == names - {key}):
            indices.append(index)
        else:
            errors[index] = _shape_error(row, names, key)
    for field in fields:
        found = _value_errors(field, [rows[index].get(field.name) for index in indices])
        if found:
            errors |= {indices[position]: message for position, message in found.items()}
            indices = [index for index in indices if index not in errors]
    keys: list[str | None] = []
    for index in list(indices):
        value = rows[index].get(key)
        if value is None or type(value) is int or (type(value) is str and len(value) <= MAX_TEXT_LENGTH):
            keys.append(None if value is None else str(value))
        else:
            errors[index] = (
                f"field '{key}' is the row's key: text of up to {MAX_TEXT_LENGTH} letters, or a whole number"
            )
            indices.remove(index)
    columns = [[rows[index].get(field.name) for index in indices] for field in fields]
    return ParsedRows(
        [start + index for index in indices],
        columns,
        keys,
        {start + index: errors[index] for index in sorted(errors)},
    )


def _shape_error(row: Any, names: set[str], key: str) -> str:
    """Say why a row does not have the fields."""
    if type(row) is not dict:
        return f"a row is an object of fields and values, not {_TYPE_NAMES.get(type(row), 'null')}"
    if unknown := sorted(row.keys() - names - {key}):
        return f"field '{unknown[0][:80]}' is unknown; the fields are {', '.join(sorted(names))}"
    missing = sorted(names - row.keys())
    return f"field '{missing[0]}' is missing; give null where it is not known"


def _value_errors(field: Field, values: list[Any]) -> dict[int, str]:
    """Say why some values of a field cannot be read, by their position."""
    types = set(map(type, values))
    errors: dict[int, str] = {}
    if types - _ALLOWED_TYPES[field.kind]:
        is_text = field.kind == "text"
        expected = "text" if is_text else "true or false" if field.kind == "boolean" else "a number"
        for position, value in enumerate(values):
            if type(value) not in _ALLOWED_TYPES[field.kind]:
                found = _TYPE_NAMES[type(value)]
                errors[position] = f"field '{field.name}' is {found}, not {expected} or null"
    if field.kind in ("integer", "number"):
        for position, value in enumerate(values):
            if type(value) in (int, float) and not -MAX_NUMBER <= value <= MAX_NUMBER:
                errors[position] = f"field '{field.name}' is {value!r}; at most {MAX_NUMBER:.1e} either way"
    if field.kind == "integer" and float in types:
        for position, value in enumerate(values):
            if type(value) is float and not value.is_integer():
                errors[position] = f"field '{field.name}' is {value!r}, no whole number"
    if field.kind == "text" and str in types:
        for position, value in enumerate(values):
            if type(value) is str and len(value) > MAX_TEXT_LENGTH:
                errors[position] = (
                    f"field '{field.name}' has {len(value):,} letters; "
                    f"at most {MAX_TEXT_LENGTH:,} are allowed"
                )
    return errors


def typed_columns(
    parsed: ParsedRows,
    fields: Sequence[Field],
    categories: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, Any]:
    """Return the values of each field as the mart holds them: text, or numbers of its precision.

    Text in another case, or with blanks around it, is the one of the field's `categories` that it spells.
    """
    return {
        field.name: _spelt_as(values, categories.get(field.name, ()))
        if field.kind == "text"
        else np.array(values, np.float32 if field.is_short else np.float64)
        for field, values in zip(fields, parsed.columns, strict=True)
    }


def _spelt_as(values: list[Any], categories: Collection[str]) -> list[Any]:
    """Return texts as the categories that they spell; a category that is there is itself."""
    known = set(categories)
    folded = {_fold(category): category for category in categories}
    return [value if value is None or value in known else folded.get(_fold(value), value) for value in values]


def _fold(text: str) -> str:
    """Return a text in lower case, without blanks and invisible characters around it."""
    invisible = {letter for letter in text if unicodedata.category(letter)[0] in "ZC"}
    return text.strip("".join(invisible)).lower() if invisible else text.lower()
