"""Verbs beside dbt's: default input, new campaigns, model cards, files for channels, scores in bulk."""

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

from python_models.common.errors import UserError
from python_models.common.warehouse import published_warehouse
from python_models.delivery.audience_files import write_audience
from python_models.delivery.model_cards import write_model_cards
from python_models.inputs.defaults import put_default_inputs, raw_folder


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m python_models", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("inputs", help="put the default input into data/raw/<source>/default/")
    commands.add_parser("model-cards", help="write model_cards/<campaign>.md from the published warehouse")
    new = commands.add_parser(
        "new", help="write a campaign of your own on a file or a table of the warehouse"
    )
    new.add_argument("campaign", help="its name, such as spring_offer")
    new.add_argument(
        "--from", dest="table", required=True, help="CSV or Parquet file, or a table: core.customers"
    )
    new.add_argument("--entity", help="column that names a row")
    new.add_argument("--label", help="column of the outcome, or column=value")
    new.add_argument("--as-of", help="column of the time at which the features were known")
    new.add_argument("--group-by", help="column of the customer, who may have several rows")
    new.add_argument("--replace", action="store_true", help="write a campaign anew that this command wrote")
    audience = commands.add_parser("audience", help="write whom a campaign contacts, with hashed identifiers")
    audience.add_argument("--campaign", required=True, help="whose audience")
    audience.add_argument("--audience", help="which one, such as app_install-2026-W47 (this week's)")
    audience.add_argument(
        "--to",
        dest="target",
        type=Path,
        default=Path("audiences"),
        help="folder (audiences); each export gets a folder of its own in it",
    )
    scoring = commands.add_parser("score-devices", help="score a folder of Parquet files with a champion")
    scoring.add_argument("--campaign", default="display_ads", help="whose champion (display_ads)")
    scoring.add_argument("--from", dest="source", type=Path, help="folder of Parquet files (the mart itself)")
    scoring.add_argument("--to", dest="target", type=Path, default=Path("scored"), help="folder (scored)")
    scoring.add_argument("--workers", type=int, default=2, help="threads side by side (2)")
    model_sql = commands.add_parser("model-sql", help="write a champion as one SQL statement")
    model_sql.add_argument("--campaign", required=True, help="whose champion")
    model_sql.add_argument("--to", dest="target", type=Path, help="file (model_sql/<campaign>-<version>.sql)")
    model_sql.add_argument("--force", action="store_true", help="also where it is too large to be sensible")
    query = commands.add_parser(
        "query", help="run a query on the published warehouse, with predict_conversion"
    )
    query.add_argument("sql", help="such as: select predict_conversion('insurance', f) from ... as f")
    service = commands.add_parser("serve", help="score rows over HTTP on 127.0.0.1")
    service.add_argument("--port", type=int, default=8000, help="port (8000)")
    given = parser.parse_args(arguments)
    try:
        for line in lines_of(given):
            print(line, flush=True)
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from what is finished", file=sys.stderr)
        return 130
    return 0


def lines_of(given: argparse.Namespace) -> Iterable[object]:
    """Do what a command says; what it has to say."""
    if given.command == "inputs":
        return put_default_inputs(raw_folder())
    if given.command == "model-cards":
        return write_model_cards(published_warehouse())
    if given.command == "audience":
        return write_audience(published_warehouse(), given.campaign, given.audience, given.target)
    if given.command == "serve":
        from python_models.delivery.service.serving import serve

        serve(published_warehouse(), given.port)
        return []
    if given.command == "model-sql":
        from python_models.delivery.model_sql import write_model_sql

        return write_model_sql(published_warehouse(), given.campaign, given.target, given.force)
    if given.command == "query":
        from python_models.delivery.predict_function import answer

        return answer(published_warehouse(), given.sql)
    if given.command == "new":
        from python_models.inputs.new_campaign.writing import new_campaign

        decided = {key: getattr(given, key) for key in ("entity", "label", "as_of", "group_by")}
        return new_campaign(
            given.campaign, given.table, decided, published_warehouse(), replace=given.replace
        )
    from python_models.delivery.bulk.scoring import score_devices  # libraries that the others don't need

    return score_devices(published_warehouse(), given.campaign, given.source, given.target, given.workers)


if __name__ == "__main__":
    sys.exit(main())
