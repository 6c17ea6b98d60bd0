"""Entries of a new campaign in files that the project has already."""

import csv
import io
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from python_models.inputs.new_campaign.rendering import NewCampaign


def _registered(project: Path, campaign: NewCampaign) -> dict[str, str]:
    """`dbt_project.yml` and `raw_columns.csv`, with the campaign in them."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 200
    yaml.representer.add_representer(
        type(None), lambda representer, _: representer.represent_scalar("tag:yaml.org,2002:null", "null")
    )
    yaml.indent(mapping=2, sequence=4, offset=2)
    settings = yaml.load((project / "dbt_project.yml").read_text())
    settings["vars"]["campaigns"][campaign.name] = _entry(campaign)
    text = io.StringIO()
    yaml.dump(settings, text)
    return {"dbt_project.yml": text.getvalue(), "seeds/raw_columns.csv": _raw_columns(project, campaign)}


def _entry(campaign: NewCampaign) -> CommentedMap:
    """Return the campaign's entry in `campaigns`: its source and what it has."""
    kinds = {"scores": campaign.label is not None, "segments": "segments" in campaign.model_kinds}
    has = CommentedSeq(kind for kind, is_there in kinds.items() if is_there)
    has.fa.set_flow_style()
    entry = CommentedMap(source=campaign.source, has=has)
    if campaign.reference and campaign.source == campaign.name:
        entry["raw_files"] = False
    entry.fa.set_flow_style()
    return entry


def _raw_columns(project: Path, campaign: NewCampaign) -> str:
    """Return the seed's text, with the campaign's columns at its end."""
    with (project / "seeds/raw_columns.csv").open(newline="") as file:
        reader = csv.DictReader(file)
        header = list(reader.fieldnames or [])
        rows = [row for row in reader if row["source"] != campaign.name]
    text = io.StringIO()
    writer = csv.DictWriter(text, header, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows if campaign.reference else [*rows, *campaign.raw_columns()])
    return text.getvalue()
