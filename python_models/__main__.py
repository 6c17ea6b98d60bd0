"""Verbs beside dbt's: default input, new campaigns, model cards, files for channels, scores in bulk."""

import argparse
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

from python_models.common.errors import UserError
from python_models.common.warehouse import published_path
from python_models.delivery.audience_files import write_audience
from python_models.delivery.model_cards import write_cards_for_reports, write_model_cards
from python_models.inputs.defaults import put_default_inputs, raw_folder

# What a verb does; it returns the lines to print. Imports in these functions are slow or rarely needed.
Verb = Callable[[argparse.Namespace], Iterable[object]]


def main(arguments: list[str] | None = None) -> int:
    given = make_parser().parse_args(arguments)
    try:
        for line in given.verb(given):
            print(line, flush=True)
    except (UserError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("stopped; the same command goes on from what is finished", file=sys.stderr)
        return 130
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all verbs."""
    parser = argparse.ArgumentParser(prog="python -m python_models", description=__doc__)
    verbs = parser.add_subparsers(dest="command", required=True)

    def add(name: str, verb: Verb, description: str, *aliases: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=description, aliases=aliases)
        added.set_defaults(verb=verb)
        return added

    add("inputs", _inputs, "put the default input into data/raw/<source>/default/")
    cards = add("model-cards", _model_cards, "write model_cards/<campaign>.md from the published warehouse")
    cards.add_argument("--json", type=Path, help="write one JSON file instead, as the report site reads it")
    _add_new(add("new", _new, "write a campaign of your own on a file or a table of the warehouse"))

    audience = add("audience", _audience, "write whom a campaign contacts, with hashed identifiers")
    audience.add_argument("--campaign", required=True, help="whose audience")
    audience.add_argument("--audience", help="which one, such as app_install-2026-W47 (this week's)")
    audience.add_argument(
        "--to",
        dest="target",
        type=Path,
        default=Path("audiences"),
        help="folder (audiences); each export gets a folder of its own in it",
    )

    scoring = add(
        "score-files", _score_files, "score a folder of Parquet files with a champion", "score-devices"
    )
    scoring.add_argument("--campaign", default="display_ads", help="whose champion (display_ads)")
    scoring.add_argument("--from", dest="source", type=Path, help="folder of Parquet files (the mart itself)")
    scoring.add_argument("--to", dest="target", type=Path, default=Path("scored"), help="folder (scored)")
    scoring.add_argument("--workers", type=int, default=2, help="threads side by side (2)")

    model_sql = add("model-sql", _model_sql, "write a champion as one SQL statement")
    model_sql.add_argument("--campaign", required=True, help="whose champion")
    model_sql.add_argument("--to", dest="target", type=Path, help="file (model_sql/<campaign>-<version>.sql)")
    model_sql.add_argument("--force", action="store_true", help="also where it is too large to be sensible")

    query = add("query", _query, "run a query on the published warehouse, with predict_conversion")
    query.add_argument("sql", help="such as: select predict_conversion('insurance', f) from ... as f")

    service = add("serve", _serve, "score rows over HTTP on 127.0.0.1")
    service.add_argument("--port", type=int, default=8000, help="port (8000)")
    return parser


def _add_new(new: argparse.ArgumentParser) -> None:
    new.add_argument("campaign", help="its name, such as spring_offer")
    new.add_argument(
        "--from", dest="table", required=True, help="CSV or Parquet file, or a table: core.customers"
    )
    new.add_argument("--entity", help="column that names a row")
    new.add_argument("--label", help="column of the outcome, column=value, or 'column > 0'")
    new.add_argument("--as-of", help="column of the time at which the features were known")
    new.add_argument("--group-by", help="column of the customer, who may have several rows; or none")
    new.add_argument("--replace", action="store_true", help="write a campaign anew that this command wrote")


def _inputs(_: argparse.Namespace) -> Iterable[object]:
    return put_default_inputs(raw_folder())


def _model_cards(given: argparse.Namespace) -> Iterable[object]:
    if given.json:
        return write_cards_for_reports(published_path(), given.json)
    return write_model_cards(published_path())


def _new(given: argparse.Namespace) -> Iterable[object]:
    from python_models.inputs.new_campaign.writing import new_campaign

    decided = {key: getattr(given, key) for key in ("entity", "label", "as_of", "group_by")}
    return new_campaign(given.campaign, given.table, decided, published_path(), replace=given.replace)


def _audience(given: argparse.Namespace) -> Iterable[object]:
    return write_audience(published_path(), given.campaign, given.audience, given.target)


def _score_files(given: argparse.Namespace) -> Iterable[object]:
    from python_models.delivery.bulk.scoring import score_files

    return score_files(published_path(), given.campaign, given.source, given.target, given.workers)


def _model_sql(given: argparse.Namespace) -> Iterable[object]:
    from python_models.delivery.model_sql import write_model_sql

    return write_model_sql(published_path(), given.campaign, given.target, given.force)


def _query(given: argparse.Namespace) -> Iterable[object]:
    from python_models.delivery.predict_function import answer

    return answer(published_path(), given.sql)


def _serve(given: argparse.Namespace) -> Iterable[object]:
    from python_models.delivery.service.serving import serve

    serve(published_path(), given.port)
    return []


if __name__ == "__main__":
    sys.exit(main())
