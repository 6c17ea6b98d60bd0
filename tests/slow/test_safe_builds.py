"""Twenty builds killed at random moments publish all or nothing."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.build.test_safe_builds import CALLS, SELECTED, Calls, counts
from tests.support import Dbt, copy_built

KILLS = 20
# Parses once, then builds in a process of its own for each line it reads, and kills it after so many seconds.
KILLER = """
import os, signal, sys, time
from dbt.cli.main import dbtRunner

parsed = dbtRunner().invoke(["--quiet", "parse"]).result
print("ready", flush=True)
for line in sys.stdin:
    build = os.fork()
    if not build:
        finished = dbtRunner(manifest=parsed).invoke(["--quiet", "run", "--select", *sys.argv[1:]])
        os._exit(0 if finished.success else 1)
    deadline = time.monotonic() + float(line)
    status = (0, 0)
    while not status[0] and time.monotonic() < deadline:
        time.sleep(0.01)
        status = os.waitpid(build, os.WNOHANG)
    if not status[0]:
        os.kill(build, signal.SIGKILL)
        status = os.waitpid(build, 0)
    print(os.waitstatus_to_exitcode(status[1]), flush=True)
"""


def test_builds_killed_at_random_moments_publish_all_or_nothing(
    built: Dbt, make_dbt: Callable[..., Dbt], default_data: Path, tmp_path: Path
) -> None:
    calls = Calls(tmp_path / "calls", default_data)
    dbt = make_dbt(tmp_path / "calls")
    copy_built(built, dbt)
    killer = subprocess.Popen(
        [sys.executable, "-c", KILLER, *SELECTED],
        cwd=dbt.folder,
        env=dbt.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )

    def build(seconds_to_live: float) -> int:
        killer.stdin.write(f"{seconds_to_live}\n")
        killer.stdin.flush()
        return int(killer.stdout.readline())

    assert killer.stdout.readline() == "ready\n"
    started = time.monotonic()
    assert build(120) == 0
    lasts = time.monotonic() - started
    [published] = counts(dbt.warehouse)
    assert published == CALLS
    moments = np.random.default_rng(20261122)
    killed = 0
    for _ in range(KILLS):
        newest = calls.grow()
        killed += build(moments.uniform(0, 1.1 * lasts)) == -signal.SIGKILL
        # all tables of one day: the one before, or this one where the build came to its end
        [now] = counts(dbt.warehouse)
        assert now in (published, newest)
        published = now
    assert killed >= KILLS / 2
    newest = calls.grow()
    assert build(120) == 0
    assert counts(dbt.warehouse) == {newest}
    killer.stdin.close()
    killer.wait()
