"""Parse the project once, then run each dbt command that a line of standard input asks for in a fork.

A line is JSON: arguments, folder, environment, and the file that takes what dbt prints. A command to be
killed has `seconds` to live, or a `step` of its publish at which it dies. The answer is a line with the exit
code.
"""

import atexit
import itertools
import json
import os
import signal
import sys
import time
from collections.abc import Callable

from dbt.cli.main import dbtRunner

READY = "ready"


def serve() -> None:
    parsed = dbtRunner().invoke(["--quiet", "parse"])
    if not parsed.success:
        sys.exit(f"dbt parse failed: {parsed.exception}")
    print(READY, flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        child = os.fork()
        if not child:
            run(request, parsed.result)
        print(os.waitstatus_to_exitcode(wait(child, request["seconds"])), flush=True)


def run(request: dict, manifest: object) -> None:
    """Run one command as a process of its own would, and end this one."""
    code = 1
    try:
        printed = os.open(request["printed"], os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(printed, 1)
        os.dup2(printed, 2)
        os.chdir(request["folder"])
        os.environ.clear()
        os.environ.update(request["environment"])
        # the build lock names the command
        sys.argv = ["dbt", *request["arguments"]]
        if request["step"] is not None:
            die_at(request["step"])
        # what is retried has arguments of its own, by which dbt parses
        runner = dbtRunner() if request["arguments"][0] == "retry" else dbtRunner(manifest=manifest)
        code = 0 if runner.invoke(request["arguments"]).success else 1
        sys.stdout.flush()
        # a publish that failed marks its run at exit; DuckDB's threads forbid a whole exit in a fork
        atexit._run_exitfuncs()
    finally:
        os._exit(code)


def wait(child: int, seconds: float | None) -> int:
    """Wait for a process, killed after so many seconds; return its status."""
    if seconds is not None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ended, status = os.waitpid(child, os.WNOHANG)
            if ended:
                return status
            time.sleep(0.01)
        os.kill(child, signal.SIGKILL)
    return os.waitpid(child, 0)[1]


def die_at(step: int) -> None:
    """Die before or after a copy or rename of the publish, counted from 0."""
    # not when the project is parsed: dbt imports it in the folder of the command
    from python_models.common import publish_files

    moments = itertools.count()

    def deadly(called: Callable[..., None]) -> Callable[..., None]:
        def call(*arguments: object) -> None:
            if next(moments) == step:
                os.kill(os.getpid(), signal.SIGKILL)
            called(*arguments)
            if next(moments) == step:
                os.kill(os.getpid(), signal.SIGKILL)

        return call

    def publish_deadly(modes: dict) -> object:
        publish_files._copy, os.replace = deadly(publish_files._copy), deadly(os.replace)
        return publish(modes)

    publish, publish_files.publish = publish_files.publish, publish_deadly


if __name__ == "__main__":
    serve()
