"""Whatever happens to a good file, each row is accounted for, or one sentence says why it is not read."""

import gzip
import io
import random
import re
import shutil
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq
import pytest

from python_models.common.errors import UserError
from python_models.engines.duckdb import file_checks
from python_models.engines.duckdb.privacy import Plugin as Privacy
from python_models.inputs.raw_files.base_table import BaseTable
from python_models.inputs.raw_files.files import Thing
from python_models.inputs.raw_files.plugin import read_statements
from python_models.inputs.raw_files.values import Typing
from tests.broken_files import GOOD_FILES, PRIVATE, put
from tests.support import PROJECT

MUTATIONS = 13
ROWS = 30
ODD = [
    "",
    " ",
    "NaN",
    "1e400",
    "-0",
    "\uff19",
    "NULL",
    "2026-02-30",
    "x" * 5000,
    "🙂",
    "=1+1",
    "\0",
    "\r",
    "a\nb",
    "'",
]
ODD += [
    '"',
    '""',
    '"a',
    ",",
    ";;",
    "true",
    "254700000003",
    "\ufeff",
    "\ufffd",
    "{",
    "[]",
    "--",
    "/*",
    "{{ 1 }}",
]


def good_lines(content: bytes) -> list[str]:
    """A header and lines with keys of their own."""
    header, line = content.decode().splitlines()
    return [header, *(line.replace("5001", f"{5001 + number}") for number in range(ROWS))]


def mutated_lines(dice: random.Random, lines: list[str]) -> bytes:
    """The lines after one to three things happened to fields."""
    for _ in range(dice.randint(1, 3)):
        number = dice.randrange(len(lines))
        fields, cut = lines[number].split(","), dice.randrange(len(lines[number]) + 1)
        place = dice.randrange(len(fields))
        changes = [
            [*fields[:place], dice.choice(ODD), *fields[place + 1 :]],
            [*fields[:place], dice.choice(ODD), *fields[place:]],
            [*fields[:place], *fields[place + 1 :]],
            [dice.choice(lines)],
            [lines[number][:cut] + dice.choice(ODD) + lines[number][cut:]],
            dice.sample(fields, len(fields)),
        ]
        lines[number] = ",".join(dice.choice(changes))
    return dice.choice(["\n", "\n", "\r\n"]).join(lines).encode() + b"\n"


def mutated(dice: random.Random, content: bytes) -> tuple[str, bytes]:
    """The ending of a file's name and what it holds: a good file that something happened to."""
    lines = good_lines(content)
    kind = dice.choice([".csv", ".csv", ".csv.gz", ".parquet"])
    if kind == ".parquet":
        names = lines[0].split(",")
        text = pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
        table = pa_csv.read_csv(io.BytesIO("\n".join(lines).encode()), convert_options=text)
        pq.write_table(table, file := io.BytesIO(), compression=dice.choice(["zstd", "snappy", "none"]))
        written = file.getvalue()
    else:
        written = mutated_lines(dice, lines)
    written = gzip.compress(written) if kind == ".csv.gz" else written
    if kind == ".parquet" or dice.random() < 0.3:
        place = dice.randrange(len(written))
        tail = written[place + 1 :] if dice.random() < 0.8 else b""
        written = written[:place] + bytes([dice.randrange(256)]) + tail
    return kind, written


class Reader:
    """Reads a source's files as its base models do, but for rules that only their SQL has."""

    def __init__(self, folder: Path):
        self.folder = folder
        shutil.copytree(PROJECT / "seeds", folder / "seeds")
        # one of the rows of app_install asks to be forgotten
        requests = folder / "seeds/erasure_requests.csv"
        requests.write_text(requests.read_text() + "app_install,254700005003,2026-01-01\n")
        self.database = duckdb.connect()
        file_checks.add_functions(self.database)
        Privacy(name="privacy", plugin_config={}).configure_connection(self.database)

    def read(self, model: str, path: str, content: bytes) -> Counter[str] | str:
        """How many rows there are of each fate, and lines that others take in; or why none is read."""
        source, thing = model.split("__")
        shutil.rmtree(self.folder / "data", ignore_errors=True)
        put(self.folder / path, content)
        request = Thing(
            self.database.cursor(), str(self.folder / "data"), self.folder / "seeds", source, thing
        )
        connection = self.database.cursor()
        try:
            table = BaseTable(request, Typing(), "base", others=source == "mail_out").sql()
            for statement in read_statements(request, []):
                connection.execute(statement)
        except UserError as error:
            return str(error)
        rows = connection.sql(table).project("row_number, row_status, reject_reason").fetchall()
        assert len({number for number, _, _ in rows}) == len(rows)
        counts = Counter(status for _, status, _ in rows)
        taken = [re.findall(r"takes? in (?:the|up to) (\d+)", reason or "") for _, _, reason in rows]
        counts["taken in"] = max((int(number) for found in taken for number in found), default=0)
        return counts


@pytest.mark.parametrize("model", GOOD_FILES)
def test_every_row_of_a_mutated_file_is_accounted_for(model: str, tmp_path: Path) -> None:
    reader = Reader(tmp_path)
    path, content = GOOD_FILES[model]
    dice = random.Random(model)  # noqa: S311
    fates: Counter[str] = Counter()
    for number in range(MUTATIONS):
        kind, written = mutated(dice, content)
        name = f"data/{path.removesuffix('.csv')}{kind}"
        found = reader.read(model, name, written)
        if isinstance(found, str):
            fates["sentence"] += 1
            assert name in found
            assert "Traceback" not in found
            assert "\n" not in found.replace("a\nb", "")
            assert not [private for private in PRIVATE if private in found.lower()]
            continue
        fates.update(found)
        read = sum(found[fate] for fate in ("kept", "rejected", "duplicate", "erased"))
        if kind == ".parquet":
            assert read == ROWS
            continue
        text = gzip.decompress(written) if kind == ".csv.gz" else written
        lines = sum(bool(line.strip()) for line in text.splitlines()) - 1
        # a value in quotes may hold line ends
        assert read == lines if b'"' not in text else read <= lines <= read + found["taken in"] + 2, (
            number,
            found,
            lines,
            written[:300],
        )
    assert fates["kept"] > ROWS
    assert fates["rejected"] + fates["sentence"] > 0
