"""Check names, read input and write files of a new campaign."""

import os
import re
import shutil
from pathlib import Path

import duckdb

from python_models.common.errors import UserError
from python_models.inputs.defaults import raw_folder
from python_models.inputs.new_campaign.profiling import literal
from python_models.inputs.new_campaign.rendering import _NAME, DOORWAYS, MARKER, THING


def _check_name(campaign: str, project: Path, replace: bool) -> None:
    if not (project / "dbt_project.yml").exists():
        raise UserError(f"{project}/dbt_project.yml does not exist: run this at the root of the project.")
    if not _NAME.fullmatch(campaign) or len(campaign) > 40:
        raise UserError(
            f"'{campaign}' is not a valid campaign name: up to 40 lower-case letters, digits and single "
            "underscores, a letter first, such as spring_offer."
        )
    folder = project / "models/campaigns" / campaign
    declaration = folder / f"{campaign}.yml"
    if not folder.exists():
        existing = {path.stem for path in (project / "models").rglob("*.*") if path.suffix in (".sql", ".py")}
        models = [f"{campaign}_{kind}" for kind in (*DOORWAYS, "features", "customers")]
        clash = sorted(existing & {*models, f"stg_{campaign}__{THING}"}) or existing & {campaign}
        if clash:
            raise UserError(
                f"'{campaign}': there is a model {next(iter(clash))} already. Choose another name."
            )
    elif not (declaration.exists() and declaration.read_text().startswith(f"# {MARKER}")):
        raise UserError(
            f"{folder} is there already, and was not written by this command. Choose another name."
        )
    elif not replace:
        raise UserError(f"{folder} is there already. Choose another name, or write it anew by --replace.")


def _open_table(
    connection: duckdb.DuckDBPyConnection, table: str, warehouse: Path, project: Path
) -> list[str]:
    """Create `cells` from a table of the published warehouse; return its column names."""
    connection.execute("create or replace temp table left_out (sentence varchar)")
    schema, _, name = table.rpartition(".")
    if not re.fullmatch(r"\w+\.\w+", table) or name in ("csv", "parquet", "gz", "txt"):
        raise UserError(
            f"{table}: no such file, and no table of the warehouse, such as core.customer_spending."
        )
    if schema == "results":
        raise UserError(f"{table}: results are made of campaigns, so no campaign can be made of them.")
    if not warehouse.exists():
        raise UserError(f"{warehouse} does not exist: run `make build` first, or name a file.")
    if not list((project / "models").rglob(f"{name}.*")) and not (project / f"seeds/{name}.csv").exists():
        raise UserError(
            f"{table}: no model or seed of the project makes this table. Export it to a file: copy {table} "
            f"to '{name}.parquet', and name the file."
        )
    connection.execute(f"attach {literal(str(warehouse))} as warehouse (read_only)")
    try:
        connection.execute(f"create table cells as select * from warehouse.{schema}.{name}")
    except duckdb.CatalogException as error:
        raise UserError(f"{table}: {warehouse} has no such table. {error}") from None
    return [column for column, *_ in connection.execute("describe cells").fetchall()]


def _write(project: Path, campaign: str, files: dict[str, str]) -> None:
    """Write all files or none: folders under temporary names that are then renamed, the lists last."""
    folders = [project / "models/campaigns" / campaign, project / "models/staging" / campaign]
    made = {folder: folder.with_name(f".{campaign}.unfinished") for folder in folders}
    for unfinished in made.values():
        shutil.rmtree(unfinished, ignore_errors=True)
    lists = {}
    for name, content in files.items():
        path = project / name
        if path.parent in made:
            path = made[path.parent] / path.name
            path.parent.mkdir(exist_ok=True)
        else:
            lists[path], path = (
                path.with_name(f".{path.name}.unfinished"),
                path.with_name(f".{path.name}.unfinished"),
            )
        path.write_text(content)
    for folder, unfinished in made.items():
        shutil.rmtree(folder, ignore_errors=True)
        if unfinished.exists():
            os.replace(unfinished, folder)
    for path, unfinished in lists.items():
        os.replace(unfinished, path)


def _copy(path: Path, campaign: str) -> Path:
    """Copy the file into the campaign's raw folder, under a name that dbt reads; return the copy."""
    folder = raw_folder() / campaign
    name = path.name if path.name.endswith((".csv", ".csv.gz", ".parquet")) else f"{path.stem}.csv"
    # a hidden file would not be read
    name = name.lstrip(".") if name.lstrip(".") != "csv" else f"{campaign}.csv"
    copy = folder / name
    if not (copy.exists() and copy.samefile(path)):
        folder.mkdir(parents=True, exist_ok=True)
        unfinished = folder / f".{name}.unfinished"
        shutil.copyfile(path, unfinished)
        os.replace(unfinished, copy)
    return copy
