"""Dump every table that people may read, so that a restructuring can be compared with what was before.

    python benchmarks/golden_master.py dump <folder>           build, then dump
    python benchmarks/golden_master.py compare <before> <after>

`dump` builds the default input in a folder of its own with a fixed `today`. Tables are ordered by all
columns, and columns that hold the time of the build are left out. `compare` prints a line for each table that
differs.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb

REPOSITORY = Path(__file__).resolve().parents[1]
TODAY = "2026-11-30"
SCHEMAS = ("core", "campaigns", "results")
# Times of the build, and what is measured by a clock.
BUILD_TIMES = {
    "trained_at", "scored_at", "selected_at", "built_at", "fit_seconds",
    "scored_on", "dbt_scd_id", "dbt_updated_at", "dbt_valid_from", "dbt_valid_to",
    "moved_on", "model_age_days",
}  # fmt: skip


def build(folder: Path) -> Path:
    """Build the default input in a folder of its own; return the published warehouse."""
    environment = os.environ | {
        "DBT_PROJECT_DIR": str(REPOSITORY / "dbt_project"),
        "DBT_PROFILES_DIR": str(REPOSITORY),
        "DBT_TARGET_PATH": str(folder / "target"),
        "DBT_LOG_PATH": str(folder / "logs"),
        "LEADLIGHT_DATA": str(folder / "data/raw"),
        "LEADLIGHT_WAREHOUSE": str(folder / "warehouse.duckdb"),
        "PYTHONPATH": str(REPOSITORY),
    }
    for command in (
        [sys.executable, "-m", "python_models", "inputs"],
        [Path(sys.executable).with_name("dbt"), "build", "--vars", f"today: '{TODAY}'"],
    ):
        subprocess.run(command, cwd=REPOSITORY, env=environment, check=True)
    return folder / "warehouse.duckdb"


def dump(warehouse: Path, folder: Path) -> int:
    """Write each table as `<folder>/<schema>.<table>.parquet`; return how many there are."""
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = connection.execute(
            "select table_schema, table_name from information_schema.tables "
            "where table_schema in $schemas order by all",
            {"schemas": SCHEMAS},
        ).fetchall()
        for schema, table in tables:
            names = connection.sql(f'from "{schema}"."{table}"').columns
            kept = ", ".join(f'"{name}"' for name in names if name not in BUILD_TIMES)
            connection.execute(
                f'copy (select {kept} from "{schema}"."{table}" order by all) '
                f"to '{folder / f'{schema}.{table}.parquet'}'"
            )
    return len(tables)


def compare(before: Path, after: Path) -> list[str]:
    """Describe each table that only one folder has, or whose columns or rows differ."""
    files = {path.name for folder in (before, after) for path in folder.glob("*.parquet")}
    differences = []
    for name in sorted(files):
        if missing := [str(folder) for folder in (before, after) if not (folder / name).exists()]:
            differences.append(f"{name}: not in {missing[0]}")
            continue
        old, new = (duckdb.read_parquet(str(folder / name)) for folder in (before, after))
        if set(old.columns) != set(new.columns):
            changed = sorted(set(old.columns) ^ set(new.columns))
            differences.append(f"{name}: columns {', '.join(changed)} are in one of both only")
            continue
        columns = ", ".join(f'"{column}"' for column in old.columns)
        content = f"count(*), sum(hash({columns})::hugeint)"
        counts = [relation.aggregate(content).fetchall()[0] for relation in (old, new)]
        if counts[0] != counts[1]:
            differences.append(f"{name}: {counts[0][0]} rows before, {counts[1][0]} after, contents differ")
    return [*differences, f"{len(files)} tables compared, {len(differences)} differ"]


def main() -> None:
    command, *folders = sys.argv[1:]
    if command == "compare":
        print("\n".join(compare(*map(Path, folders))))
        return
    with tempfile.TemporaryDirectory() as folder:
        print(dump(build(Path(folder)), Path(folders[0])), "tables")


if __name__ == "__main__":
    main()
