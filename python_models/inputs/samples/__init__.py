"""Samples: made-up input for sources without public data, drawn in SQL from a stated true probability.

Each source has a script, `<source>.sql`. It writes the raw files into `${folder}` and the truth about each
row into `${truth}`, outside the raw folder, so that no build can read it. `${attributes}` is the select list
generated from `<source>_attributes.csv`.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from string import Template

import duckdb

from python_models.inputs.samples.attributes import attribute_columns

SEED = 20_260_101
MARK = ".sample.json"
# The same id and salt give the same draw, whatever the number of threads or rows.
MACROS = f"""
create macro uniform(id, salt) as
    (hash(xor(hash(id), hash(concat(salt, ' {SEED}')))) >> 11) / 9007199254740992.0;
create macro normal(id, salt) as
    sqrt(-2 * ln(1 - uniform(id, salt))) * cos(6.283185307179586 * uniform(id, concat(salt, ' angle')));
create macro logistic(x) as 1 / (1 + exp(-x));
"""


@dataclass(frozen=True)
class Sample:
    """The unit of a sample's size, its default, and how many units a script writes at a time."""

    counts: str
    size: int
    part: int | None = None


SAMPLES = {
    "app_install": Sample("subscribers", 20_000),
    "display_ads": Sample("devices", 400_000, part=5_000_000),
    "mail_out": Sample("people in the general population", 20_000),
    "online_retail": Sample("customers", 1_500),
}


def write_sample(source: str, folder: Path, truth: Path, size: int) -> bool:
    """Write a source's sample into `folder` and its truth into `truth`; return False if it exists already.

    Both are written under temporary names and renamed when complete.
    """
    sample = SAMPLES[source]
    script = read_script(source)
    mark = {"size": size, "script": hashlib.sha256((MACROS + script).encode()).hexdigest()}
    if (folder / MARK).exists() and json.loads((folder / MARK).read_text()) == mark and truth.exists():
        return False
    unfinished = [path.with_name(path.name + ".unfinished") for path in (folder, truth)]
    for path in unfinished:
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir(parents=True)
    with duckdb.connect(config={"memory_limit": "2GB", "threads": 2}) as connection:
        connection.execute(f"set temp_directory = '{truth}.spilled'")
        connection.execute(MACROS)
        for part, first, last in parts(size, sample.part):
            connection.execute(
                Template(script).substitute(
                    folder=unfinished[0], truth=unfinished[1], size=size, part=part, first=first, last=last
                )
            )
    (unfinished[0] / MARK).write_text(json.dumps(mark))
    for written, place in zip(unfinished, (folder, truth), strict=True):
        shutil.rmtree(place, ignore_errors=True)
        written.rename(place)
    return True


def read_script(source: str) -> str:
    """Return a source's script with its attributes filled in."""
    script = Path(__file__).with_name(f"{source}.sql").read_text()
    table = Path(__file__).with_name(f"{source}_attributes.csv")
    return script.replace("${attributes}", attribute_columns(table)) if table.exists() else script


def parts(size: int, part_size: int | None) -> Iterator[tuple[str, int, int]]:
    """Yield number (five digits), first and last row of each part of a sample; rows count from 1."""
    step = part_size or size
    for number, first in enumerate(range(1, size + 1, step), start=1):
        yield f"{number:05d}", first, min(first + step - 1, size)
