"""SQL of kept rows with clean values: codes for missing, ranges and recodings of the seeds."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from python_models.common.sql import quote_identifier, text_literal, text_literals
from python_models.inputs.raw_files.columns import RawColumn, read_seed
from python_models.inputs.raw_files.files import Thing

# Columns of base_mail_out__people that are no attributes.
NOT_ATTRIBUTES = (
    "file_name",
    "row_number",
    "part",
    "person_id",
    "has_responded",
    "reject_reason",
    "row_status",
    "raw_text",
    "coded_missing",
    "content_hash",
    "file_version",
)
# Kinds of the dictionary whose text is never a number.
TEXT_KINDS = ("nominal", "text", "date", "outcome")


def cleaned_rows(columns: list[RawColumn], relation: str) -> str:
    """Return SQL of a base model's kept rows with clean values; `cleaning_report` counts what it changes."""
    cleaned = [(column, cases) for column in columns if (cases := list(_cases(column)))]
    replaced = ",".join(
        "".join(["\n        case", *(f"\n            {case}" for case in cases)])
        + f"\n            else {column.name}\n        end as {column.name}"
        for column, cases in cleaned
    )
    return f"""select
    * exclude (
        reject_reason, row_status, raw_text, coded_missing, content_hash, file_version
    ){f" replace ({replaced}" if cleaned else ""}{chr(10) + "    )" if cleaned else ""}
from {relation}
where reject_reason is null
"""


def _cases(column: RawColumn) -> Iterator[str]:
    """Yield the cases in which a value is not as the file has it."""
    value = f"lower({column.name})" if column.is_text else column.name
    if column.is_text:
        codes = text_literals(column.codes)
    else:
        codes = ", ".join(code for code in column.codes if re.fullmatch("-?[0-9.]+", code))
    if codes:
        yield f"when {value} in ({codes}) then null"
    for sign, bound in (("<", column.lowest), (">", column.highest)):
        if bound:
            yield f"when {value} {sign} {bound} then {bound if column.outside == 'clipped' else 'null'}"
    yield from _recodings(value, column.recoded)


def _recodings(value: str, recoded: dict[str, str | None]) -> Iterator[str]:
    for raw, clean in recoded.items():
        yield f"when {value} = {text_literal(raw)} then {text_literal(clean) if clean else 'null'}"


@dataclass
class Attribute:
    """An attribute of mail_out: a column of the raw files that raw_columns.csv does not name.

    Attributes
    ----------
    raw, name : str
        Its name in the files and its clean name.
    kind : str
        The dictionary's, or text or numeric.
    may_be_numeric : bool
        Whether it is text of which only the values show if it is a number.
    recoded : dict
        Raw value in lower case -> clean value.
    clean : str
        SQL of the value without its codes for unknown, and recoded.
    """

    raw: str
    name: str
    kind: str
    is_text: bool
    is_documented: bool
    may_be_numeric: bool
    codes: list[str]
    recoded: dict[str, str | None]
    clean: str


def mail_out_attributes(thing: Thing, columns: list[dict[str, str]], counts: list[int]) -> list[Attribute]:
    """Return the attributes among the columns of base_mail_out__people.

    Parameters
    ----------
    thing : Thing
        Where the seeds are.
    columns : list of dict
        `name` and `type` of each column.
    counts : list of int
        The result of `count_query`, or nothing. Text without a kind is numeric where all values are numbers;
        text that is called a number and never is one stays text.
    """
    attributes = _declared_attributes(thing, columns)
    uncertain = [attribute for attribute in attributes if attribute.may_be_numeric]
    for attribute, known, numbers in zip(uncertain, counts[::2], counts[1::2], strict=False):
        if attribute.is_documented and known and not numbers:
            attribute.kind = "text"
        elif not attribute.is_documented and known == numbers:
            attribute.kind = "numeric"
    return attributes


def count_query(attributes: list[Attribute], relation: str) -> str:
    """Return SQL that counts the values and the numbers of texts that may be numeric; empty without any."""
    counts = [
        f"count({attribute.clean}), count(try_cast({attribute.clean} as double))"
        for attribute in attributes
        if attribute.may_be_numeric
    ]
    return f"select {', '.join(counts)} from {relation}" if counts else ""


def _declared_attributes(thing: Thing, columns: list[dict[str, str]]) -> list[Attribute]:
    """Return the attributes with the dictionary's kinds and codes."""
    dictionary = {
        (row["attribute"] or "").lower(): row
        for seed in ("mail_out_dictionary", "mail_out_donor_dictionary")
        for row in read_seed(thing.connection, thing.seeds, seed)
    }
    recodings: dict[str, dict[str, str | None]] = {}
    for row in read_seed(thing.connection, thing.seeds, "recodings", thing.source, thing.thing):
        recoded = recodings.setdefault((row["column_name"] or "").lower(), {})
        recoded[(row["raw_value"] or "").lower()] = row["clean_value"]
    return [
        _attribute(column, dictionary.get(column["name"].lower()), recodings.get(column["name"].lower(), {}))
        for column in columns
        if column["name"] not in NOT_ATTRIBUTES
    ]


def _attribute(
    column: dict[str, str], documented: dict[str, str | None] | None, recoded: dict[str, str | None]
) -> Attribute:
    is_text = column["type"].lower() == "varchar"
    described = documented or {}
    codes = (described.get("missing_codes") or "").lower().replace(" ", "").split(",")
    raw = f"lower({quote_identifier(column['name'])})" if is_text else quote_identifier(column["name"])
    cases = [
        f"when {raw} = {text_literal(code) if is_text else code} then null"
        for code in codes
        if code and (is_text or re.fullmatch("-?[0-9]+", code))
    ]
    cases += _recodings(raw, recoded)
    return Attribute(
        raw=column["name"],
        name=re.sub("[^a-z0-9]+", "_", column["name"].lower()).strip("_"),
        kind=described.get("kind") or ("text" if is_text else "numeric"),
        is_text=is_text,
        is_documented=documented is not None,
        may_be_numeric=is_text and described.get("kind") not in TEXT_KINDS,
        codes=[code for code in codes if code],
        recoded=recoded,
        clean=f"case {' '.join(cases)} else {raw} end" if cases else raw,
    )
