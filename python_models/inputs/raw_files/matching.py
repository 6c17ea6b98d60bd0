"""Which columns of the files hold the declared ones."""

from dataclasses import dataclass, field

from python_models.common.errors import UserError
from python_models.inputs.raw_files.columns import RawColumn
from python_models.inputs.raw_files.files import RawFile

RESERVED_NAMES = ("file_name", "row_number", "file_row_number", "part")
SMALL_INTEGERS = ("integer", "smallint", "tinyint")


@dataclass
class FoundColumn:
    """How the files hold a declared column.

    Attributes
    ----------
    names : list of str
        What it is called in the files.
    lacking : list of str
        Names of the files without it.
    is_text : bool
        Whether any file holds it as text.
    is_safe : bool
        Whether every value fits its type.
    """

    is_safe: bool
    is_text: bool = False
    names: list[str] = field(default_factory=list)
    lacking: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FoundColumns:
    """The declared columns by name; the name of each other column -> whether a file holds it as text."""

    columns: dict[str, FoundColumn]
    others: dict[str, bool]
    file_count: int

    def __getitem__(self, column: RawColumn) -> FoundColumn:
        return self.columns[column.name]


def find_columns(files: list[RawFile], columns: list[RawColumn], others: bool = False) -> FoundColumns:
    """Find the declared columns in the files, and all others if they are asked for.

    Raises
    ------
    UserError
        Where a file lacks a column, or has one with a reserved name.
    """
    found = {column.name: FoundColumn(is_safe=column.type != "phone") for column in columns}
    unnamed: dict[str, bool] = {}
    for file in files:
        used = _match_file(file, columns, found)
        for index, (name, kind) in enumerate(zip(file.names, file.types, strict=True)):
            if others and index not in used:
                unnamed[name] = unnamed.get(name, False) or kind.lower() == "varchar"
    return FoundColumns(found, unnamed, len(files))


def _match_file(file: RawFile, columns: list[RawColumn], found: dict[str, FoundColumn]) -> set[int]:
    """Note where a file holds the columns; return the indices of those used."""
    for name in file.names:
        if name.lower() in RESERVED_NAMES:
            raise UserError(f"{file.path}: column '{name}' has a name that Leadlight uses itself. Rename it.")
    lower_names = [name.lower() for name in file.names]
    used: set[int] = set()
    missing = []
    for column in columns:
        entry = found[column.name]
        alias = next((name.lower() for name in column.names if name.lower() in lower_names), None)
        if alias is None:
            entry.lacking.append(file.file_name)
            if not column.is_optional:
                missing.append("' or '".join(column.names))
            continue
        index = lower_names.index(alias)
        used.add(index)
        if alias not in [name.lower() for name in entry.names]:
            entry.names.append(file.names[index])
        kind = file.types[index].lower()
        entry.is_text = entry.is_text or kind == "varchar"
        entry.is_safe = entry.is_safe and _fits(kind, column.type)
    if missing and used:
        raise UserError(
            f"{file.path}: column '{missing[0]}' is missing; the file has {', '.join(file.names)}. "
            "Rename or add the column."
        )
    if missing:
        names = ", ".join(missing).replace("'", "")
        raise UserError(
            f"{file.path}: the first line names none of the columns {names}. It must be the header."
        )
    return used


def _fits(kind: str, declared: str) -> bool:
    """Return whether every value of a file's type is one of the declared type."""
    if declared in ("text", "category", "private"):
        return True
    return (
        # a double may be infinite, and a phone number misspelt
        (kind == declared and declared not in ("double", "phone"))
        or (kind in SMALL_INTEGERS and declared in ("bigint", "double"))
        or (kind == "bigint" and declared == "double")
    )
