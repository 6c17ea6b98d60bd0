"""What `dbt retry` has to build: the nodes of a run count as skipped until it has published.

`dbt retry` reads `run_results.json`. dbt writes it at the end of a run, without the nodes that were
interrupted, and publishing is no node. So `dbt retry` would find nothing to do after a run that was killed,
stopped or not published.
"""

import atexit
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from dbt.artifacts.schemas.results import RunStatus
from dbt.artifacts.schemas.run import RunResultOutput, RunResultsArtifact, RunResultsMetadata
from dbt.flags import get_flags
from dbt.task.retry import RETRYABLE_STATUSES
from dbt.utils import args_to_dict
from dbt_common.utils.encoding import JSONEncoder


class RunRecord:
    """The nodes of the current run in dbt's `run_results.json`."""

    def __init__(self, path: Path, nodes: list[str]):
        self.path = path.absolute()
        self.nodes = nodes
        self.is_published = False
        self.reason = "the run was stopped"

    def begin(self) -> None:
        """Write every node as skipped, should the process be killed, and look again when it ends."""
        results = RunResultsArtifact(
            metadata=RunResultsMetadata(), results=[], elapsed_time=0.0, args=args_to_dict(get_flags())
        ).to_dict(omit_none=False)
        self.begun = results | {"results": [_skipped(node) for node in self.nodes]}
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._write(self.begun)
        # dbt writes its results after the last hook
        atexit.register(self.end)

    def end(self) -> None:
        """Unless the run was published, leave `dbt retry` the nodes without a result, else the last one."""
        if self.is_published or not self.nodes:
            return
        try:
            written = json.loads(self.path.read_text())
        except ValueError:
            # dbt had no room for all of it
            written = self.begun
        known = {result["unique_id"] for result in written["results"]}
        written["results"] += [_skipped(node) for node in self.nodes if node not in known]
        nodes = [result for result in written["results"] if result["unique_id"] in self.nodes]
        if not RETRYABLE_STATUSES & {result["status"] for result in nodes}:
            nodes[-1] |= {"status": "error", "message": f"built, but not published: {self.reason}"}
        with suppress(OSError):
            self._write(written)

    def _write(self, results: dict[str, Any]) -> None:
        # whole or not at all, on a full disk too; variables may be dates, which dbt writes as text
        unfinished = self.path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps(results, cls=JSONEncoder))
        unfinished.replace(self.path)


def _skipped(node: str) -> dict[str, Any]:
    result: dict[str, Any] = RunResultOutput(
        unique_id=node,
        status=RunStatus.Skipped,
        timing=[],
        thread_id="",
        execution_time=0.0,
        adapter_response={},
        message=None,
        failures=None,
        compiled=None,
        compiled_code=None,
        relation_name=None,
    ).to_dict(omit_none=False)
    return result
