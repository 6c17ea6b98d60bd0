"""Trial of a new warehouse in a process of its own: what ends that process does not end the service."""

import logging
import signal
import subprocess
import sys
from pathlib import Path

from python_models.common.errors import UserError
from python_models.delivery.service.jobs import Job
from python_models.delivery.service.responses import score_rows, segment_rows
from python_models.delivery.service.rows import encode_rows
from python_models.delivery.service.snapshot import read_snapshot

MAX_TRIAL_SECONDS = 300


def try_warehouse(path: Path, timeout: float = MAX_TRIAL_SECONDS) -> None:
    """Read a warehouse in another process, and let each of its models score, explain and assign a row.

    Raises
    ------
    UserError
        Where something is wrong with the warehouse, or the process did not end well.
    """
    command = [sys.executable, "-m", __name__, str(path)]
    try:
        # some errors of libraries are no UTF-8
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=timeout, check=False
        )
    except subprocess.TimeoutExpired:
        raise UserError(f"{path} was not read within {timeout:g} seconds") from None
    if done.returncode < 0:
        name = signal.Signals(-done.returncode).name
        tried = [line for line in done.stdout.splitlines() if line.startswith("campaign ")]
        where = f" at {tried[-1]}" if tried else ""
        raise UserError(
            f"{path}: the process that tried it was ended{where} by {name}. A model that does so is damaged "
            "or of another release; train it again: dbt build --full-refresh."
        )
    if done.returncode:
        raise UserError((done.stderr.strip().splitlines() or ["the trial failed"])[-1])


def main(path: Path) -> None:
    """Try a warehouse in this process."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stdout)
    try:
        for served in read_snapshot(path).campaigns.values():
            if served.champion:
                rows = encode_rows([served.example])
                score_rows(Job(), served.champion, served.entity, rows, is_explained=True)
            if served.segmenter:
                fields = {field.name: None for field in served.segmenter.fields}
                segment_rows(Job(), served.segmenter, encode_rows([fields]))
    except UserError as error:
        sys.exit(str(error))
    except Exception as error:
        reason = " ".join(str(error).split())
        sys.exit(f"{path} cannot be served: {type(error).__name__}: {reason}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
