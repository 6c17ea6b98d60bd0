"""Verbs beside dbt's: the default input, and model cards of what was built."""

import argparse
import sys

from python_models.model_cards import published_warehouse, write_model_cards
from python_models.sources import InputError, put_default_inputs, raw_folder


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m python_models", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("inputs", help="put the default input into data/raw/<source>/default/")
    commands.add_parser("model-cards", help="write model_cards/<campaign>.md from the published warehouse")
    command = parser.parse_args(arguments).command
    try:
        for line in (
            put_default_inputs(raw_folder())
            if command == "inputs"
            else write_model_cards(published_warehouse())
        ):
            print(line)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
