"""Write a new campaign: profile the file, propose a declaration, render and register its files."""

from collections.abc import Iterator
from pathlib import Path

import duckdb
from ruamel.yaml import YAML

from python_models.common.campaign import read_campaign
from python_models.common.errors import UserError
from python_models.inputs.new_campaign.files import _check_name, _copy, _open_table, _write
from python_models.inputs.new_campaign.profiling import open_file, profile
from python_models.inputs.new_campaign.proposing import propose
from python_models.inputs.new_campaign.registering import _registered
from python_models.inputs.new_campaign.rendering import NewCampaign


def new_campaign(
    campaign: str,
    table: str,
    given: dict[str, str | None],
    warehouse: Path,
    project: Path = Path("dbt_project"),
    replace: bool = False,
) -> Iterator[str]:
    """Write a new campaign based on a file or a table of the warehouse.

    Parameters
    ----------
    campaign : str
        Its name: lower case, digits, underscores.
    table : str
        A CSV or Parquet file, or a table of the published warehouse such as `core.customer_spending`.
    given : dict
        Choices of the user, or None: `entity`, `label`, `as_of`, `group_by`.
    warehouse : pathlib.Path
        The published warehouse; read if `table` is one of its tables.
    project : pathlib.Path
        The dbt project.
    replace : bool
        Whether to overwrite a campaign that this command wrote before.

    Yields
    ------
    str
        What was found, what to check, the files, and the command that builds it.

    Raises
    ------
    UserError
        If the input cannot be used; nothing is written.
    """
    _check_name(campaign, project, replace)
    written = _propose(campaign, table, given, warehouse, project)
    files = written.files()
    declared = YAML(typ="safe").load(files[f"models/campaigns/{campaign}/{campaign}.yml"])
    read_campaign(declared["models"][0]["config"]["meta"])
    files |= _registered(project, written)
    if not written.reference:
        yield f"{_copy(Path(table), campaign)}: your file, as this campaign's source"
    _write(project, campaign, files)
    yield from _report(written, files, project)


def _propose(
    campaign: str, table: str, given: dict[str, str | None], warehouse: Path, project: Path
) -> NewCampaign:
    """Profile the file or table, and propose the campaign."""
    path = Path(table)
    reference = None if path.is_file() else table
    with duckdb.connect() as connection:
        # as in profiles.yml: an instant in a Parquet file is the same on every machine
        connection.execute("set TimeZone = 'UTC'")
        raw = _open_table(connection, table, warehouse, project) if reference else open_file(connection, path)
        try:
            proposal = propose(connection, profile(connection, raw), given)
        except UserError as error:
            raise UserError(f"{table}: {error}") from None
        if reference and not proposal.key and not proposal.events:
            raise UserError(f"{table}: no column, and no two of its keys, name a row. Name one by --entity.")
        return NewCampaign(campaign, proposal, reference, reference or path.name)


def _report(written: NewCampaign, files: dict[str, str], project: Path) -> Iterator[str]:
    """Yield what was found and written, what to check, and how to build it."""
    campaign, proposal = written.name, written.proposal
    yield from (f"found: {line}" for line in proposal.found)
    yield from (f"made by SQL: {feature.name}: {feature.why}" for feature in proposal.made)
    yield from (f"withheld: {name}: {reason}" for name, reason in written.withheld.items())
    yield from (f"check: {line}" for line in proposal.check)
    for folder in sorted({Path(name).parent for name in files if name.startswith("models")}):
        names = sorted(Path(name).name for name in files if Path(name).parent == folder)
        yield f"wrote {project / folder}: {', '.join(names)}"
    yield f"listed in {project}/dbt_project.yml and {project}/seeds/raw_columns.csv"
    build = f"  DBT_PROJECT_DIR={project} .venv/bin/dbt build --select"
    selected = [f"+{campaign}_{kind}" for kind in ("scores", "segments") if kind in written.model_kinds]
    if not selected:
        yield (
            "There is nothing to build yet: no outcome, and fewer than two columns to group by. Name one "
            "by --label, with --replace."
        )
        return
    built = " and ".join(kind for kind in ("scores", "segments") if kind in written.model_kinds)
    yield f"Look at {project}/models/campaigns/{campaign}/{campaign}.yml, then build {built}:"
    yield f"{build} {' '.join(selected)}"
    yield "and, once those look right, reasons, metrics, audiences and report pages:"
    yield f"{build} +{campaign}_features+ resource_type:seed"
    yield "  make reports"
