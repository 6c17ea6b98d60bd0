"""Parse the project once, then run each dbt command that a line of standard input asks for in a fork.

A line is JSON: arguments, folder, environment, and the file that takes what dbt prints. The answer is a line
with the exit code.
"""

import atexit
import json
import os
import sys

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
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


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
        code = 0 if dbtRunner(manifest=manifest).invoke(request["arguments"]).success else 1
        sys.stdout.flush()
        # a publish that failed marks its run at exit; DuckDB's threads forbid a whole exit in a fork
        atexit._run_exitfuncs()
    finally:
        os._exit(code)


if __name__ == "__main__":
    serve()
