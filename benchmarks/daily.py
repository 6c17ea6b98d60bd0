"""A daily build in which 1 % of the rows are new, against the whole build: `python benchmarks/daily.py`.

The newest hundredth of every source's rows is kept back, all is built, then it is laid beside the other
files and `dbt build --selector daily` runs. At last the same day is built with `--full-refresh`, and every
table that the daily build makes is compared.

`python benchmarks/daily.py 30` makes 30 daily builds of unchanged data, of `app_install` alone, and says what
becomes of the published file.
"""

import json
import sys
import tempfile
from pathlib import Path

import duckdb

from benchmarks.kills import DAY, World
from benchmarks.staging_to_features import dbt

REPOSITORY = Path(__file__).resolve().parents[1]
NEW = 0.01
# What gets new rows from day to day, and by what they are ordered.
GROWING = {
    "app_install/ad_events": "occurred_at",
    "app_install/installs": "installed_at",
    "app_install/subscribers": "activated_on",
    "app_install/transactions": "recorded_at",
    "coupon/transactions": "transaction_timestamp",
    "display_ads/devices": "observed_on",
    "insurance/bank": "id",
    "mail_out/mailout_train": "person_id",
    "online_retail/invoice_lines": "InvoiceDate",
}
FORMATS = "['%d/%m/%Y %H:%M', '%Y%m%dT%H%M%S', '%d/%m/%Y', '%Y%m%d', '%m/%d/%y %H:%M', '%m/%d/%Y %H:%M']"
# what a build notes beside its tables
NOTES = {"publishing", "published_audience_members", "published_audience_terms", "unfinished"}


def main() -> None:
    if len(sys.argv) > 1:
        repeat(int(sys.argv[1]))
    else:
        measure()


def measure() -> None:
    """Build all but the newest rows, then the day with them, then the same day from nothing."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        later = split_inputs(REPOSITORY / "data/raw", folder / "data")
        whole = dbt(folder, ["build"])[0]
        reveal(later)
        daily = dbt(folder, DAY)[0]
        print(f"whole build {whole:.1f} s, daily build {daily:.1f} s: {daily / whole:.1%}", flush=True)
        before = folder / "daily.duckdb"
        (folder / "warehouse.duckdb").rename(before)
        refreshed = dbt(folder, [*DAY, "--full-refresh"])[0]
        print(f"the same day from all rows {refreshed:.1f} s")
        for line in differences(before, folder / "warehouse.duckdb"):
            print(line)


def repeat(builds: int) -> None:
    """Build the same data again and again."""
    with tempfile.TemporaryDirectory() as name:
        world = World(Path(name))
        assert world.run(["build"]) == 0, world.printed
        for number in range(1, builds + 1):
            assert world.run(DAY) == 0, world.printed
            rows = row_counts(world.warehouse)
            if number == 1:
                first = rows
            size = world.warehouse.stat().st_size
            print(f"daily build {number}: {sum(rows.values()):,} rows, {size:,} bytes", flush=True)
        changed = {table: (first.get(table, 0), count) for table, count in rows.items() - first.items()}
        print(f"tables with other rows after the last build than after the first: {changed or 'none'}")
        print(f"relations of no node: {unknown_relations(world.warehouse, world.dbt.target) or 'none'}")


def row_counts(warehouse: Path) -> dict[str, int]:
    """Return how many rows each table has."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        tables = connection.sql("select format('{}.{}', schema_name, table_name) from duckdb_tables()")
        counts = [f"select '{table}', count(*) from {table}" for (table,) in tables.fetchall()]
        return dict(connection.sql(" union all ".join(counts)).fetchall())


def unknown_relations(warehouse: Path, target: Path) -> set[str]:
    """Return the relations of a published file that no node of the manifest makes, but a build's notes."""
    nodes = json.loads((target / "manifest.json").read_text())["nodes"].values()
    known = {f"{node['schema']}.{node['alias']}" for node in nodes if node["resource_type"] != "test"}
    known |= {f"main.{name}" for name in NOTES}
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        found = connection.sql(
            "select format('{}.{}', table_schema, table_name) from information_schema.tables"
        )
        return {relation for (relation,) in found.fetchall()} - known


def split_inputs(raw: Path, data: Path, sources: str = "*") -> list[Path]:
    """Copy default input as a user's own, the newest rows in hidden files, which are returned."""
    later = []
    for file in sorted(raw.glob(f"{sources}/default/[!.]*")):
        source = file.parts[-3]
        target = data / source
        target.mkdir(parents=True, exist_ok=True)
        stem, suffix = file.name.split(".", 1)
        order = next((GROWING[key] for key in GROWING if f"{source}/{stem}".startswith(key)), None)
        if order is None:
            (target / file.name).symlink_to(file)
            continue
        later.append(target / f".{stem}-2.{suffix}")
        write(file, target / f"{stem}-1.{suffix}", f"newness > {NEW}", order)
        write(file, later[-1], f"newness <= {NEW}", order)
    return later


def reveal(hidden: list[Path]) -> None:
    """Lay the newest rows beside the others."""
    for file in hidden:
        file.rename(file.with_name(file.name.removeprefix(".")))


def write(file: Path, target: Path, condition: str, order: str) -> None:
    """Write those rows of a file, in its order, that are of that newness (0 to 1, 0 is the newest)."""
    when = "coalesce(try_strptime({0}::varchar, " + FORMATS + ")::varchar, {0}::varchar)"
    kind = "parquet" if file.suffix == ".parquet" else "csv"
    reader = f"read_parquet('{file}')" if kind == "parquet" else f"read_csv('{file}', all_varchar = true)"
    duckdb.sql(f"""
        copy (
            select * exclude (place, newness) from (
                select *, percent_rank() over (order by {when.format(order)} desc, place) as newness
                from (select *, row_number() over () as place from {reader})
            )
            where {condition} order by place
        ) to '{target}' (format {kind} {", compression gzip" if file.suffix == ".gz" else ""})
    """)


def differences(one: Path, other: Path) -> list[str]:
    """Tables of two warehouses that differ, and how many were compared; times and builds do not count."""
    connection = duckdb.connect()
    connection.sql(f"attach '{one}' as one (read_only); attach '{other}' as other (read_only)")
    tables = connection.sql("""
        select schema_name, table_name from duckdb_tables()
        where database_name = 'one' and table_name != 'publishing' order by all
    """).fetchall()
    different = []
    for schema, table in tables:
        columns = [row[0] for row in connection.sql(f"describe one.{schema}.{table}").fetchall()]
        compared = ", ".join(
            f'"{name}"' for name in columns if not name.endswith(("scored_at", "selected_at"))
        )
        apart = " union all ".join(
            f"(select {compared} from {a}.{schema}.{table} "
            f"except all select {compared} from {b}.{schema}.{table})"
            for a, b in (("one", "other"), ("other", "one"))
        )
        if rows := connection.sql(f"select count(*) from ({apart})").fetchall()[0][0]:
            different.append(f"{schema}.{table}: {rows} rows differ")
    return [*different, f"{len(tables)} tables compared, {len(different)} differ"]


if __name__ == "__main__":
    main()
