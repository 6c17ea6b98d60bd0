"""`python -m python_models inputs` puts the default input in place."""

import argparse
import sys

from python_models.sources import InputError, put_default_inputs, raw_folder


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m python_models", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("inputs", help="put the default input into data/raw/<source>/default/")
    parser.parse_args(arguments)
    try:
        for line in put_default_inputs(raw_folder()):
            print(line)
    except (InputError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
