"""A copy of `reports/` in which a site is built, and the server that shows it to a browser."""

import functools
import http.server
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import REPOSITORY

REPORTS = REPOSITORY / "reports"


def need_evidence() -> None:
    """Skip the test without npm's modules or node."""
    if not (REPORTS / "node_modules/.package-lock.json").exists():
        pytest.skip("the npm modules of the reports are not installed: npm ci --prefix reports")
    if not shutil.which("node"):
        pytest.skip("no node on this machine")


def copy_reports(copy: Path) -> None:
    """Copy `reports/`, prepared by Evidence: nothing is built in the developer's own folder."""
    shutil.copytree(
        REPORTS, copy, ignore=shutil.ignore_patterns("node_modules", "build", ".evidence", ".served")
    )
    shutil.copytree(
        REPORTS / "node_modules", copy / "node_modules", symlinks=True, copy_function=link_or_copy
    )
    run_evidence(copy, "--version")


def link_or_copy(file: str, copy: str) -> None:
    """Link a file of npm; copy those of Evidence, which the reports' scripts edit."""
    if "@evidence-dev" not in file:
        try:
            os.link(file, copy, follow_symlinks=False)
            return
        except OSError:
            # another file system
            pass
    shutil.copy2(file, copy)


def run_evidence(reports: Path, *arguments: str, **environment: str) -> None:
    """Run Evidence by the reports' own script; it must succeed."""
    run = subprocess.run(
        ["node", "scripts/evidence.mjs", *arguments],
        cwd=reports,
        env=os.environ | {"LEADLIGHT_PYTHON": sys.executable} | environment,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stdout + run.stderr


def build_site(reports: Path, warehouse: Path, **environment: str) -> Path:
    """Build the site of a warehouse in a copy of `reports/`; return its folder."""
    environment["LEADLIGHT_WAREHOUSE"] = str(warehouse)
    run_evidence(reports, "sources", "--strict", **environment)
    run_evidence(reports, "build:strict", **environment)
    return reports / "build"


@contextmanager
def served(site: Path) -> Iterator[str]:
    """Serve a built site; give its address."""

    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 64

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), functools.partial(Quiet, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
