"""Measure how often each published interval holds the truth of made-up campaigns, and print one table.

    .venv/bin/python -m benchmarks.coverage [--draws 300] [--only rates] [--each]

Each campaign is one draw, and the project's own SQL and Python make its intervals. dbt compiles the models
first, beside an empty warehouse.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.coverage.audiences import measure_audiences
from benchmarks.coverage.base_rates import measure_base_rates
from benchmarks.coverage.evaluation import measure_evaluation
from benchmarks.coverage.measuring import DRAWS, Coverage, compile_models, summarise
from benchmarks.coverage.promises import measure_promises
from benchmarks.coverage.rankings import measure_rankings
from benchmarks.coverage.rates import measure_rates
from benchmarks.coverage.topics import measure_topics

PARTS: dict[str, Callable[[Path, int], Iterator[Coverage]]] = {
    "audiences": measure_audiences,
    "rankings": measure_rankings,
    "evaluation": measure_evaluation,
    "promises": measure_promises,
    "rates": measure_rates,
    "topics": measure_topics,
    "base_rates": measure_base_rates,
}
SUMMARY = ("interval", "unit", "method", "nominal", "draws", "measured", "")
EACH = ("interval", "made-up rows", "unit", "method", "nominal", "draws", "measured", "")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.coverage")
    parser.add_argument("--draws", type=int, default=DRAWS, help="made-up campaigns of each kind")
    parser.add_argument("--only", choices=PARTS, help="one part alone")
    parser.add_argument("--each", action="store_true", help="a line for each kind of made-up rows")
    arguments = parser.parse_args()
    found: list[Coverage] = []
    with tempfile.TemporaryDirectory() as folder:
        compiled = compile_models(Path(folder))
        for name, part in PARTS.items():
            if arguments.only in (None, name):
                found += part(compiled, arguments.draws)
                print(f"{name}: {time.process_time():.0f} CPU s so far", file=sys.stderr, flush=True)
    header, lines = (EACH, [row.cells for row in found]) if arguments.each else (SUMMARY, summarise(found))
    for cells in (header, ["---"] * len(header), *lines):
        print(f"| {' | '.join(map(str, cells))} |")


if __name__ == "__main__":
    main()
