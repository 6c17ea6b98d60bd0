"""`python -m python_models serve`: the application under uvicorn, on this machine only."""

import gc
import os
import resource
import sys
from functools import partial
from pathlib import Path
from typing import Any, cast

import uvicorn

from python_models.common.errors import UserError
from python_models.delivery.service.app import create_app
from python_models.delivery.service.middleware import Limits
from python_models.delivery.service.protocol import LimitedProtocol, Waiting

DEFAULT_PORT = 8000
# Open files beside connections: warehouses, libraries, the log.
OTHER_FILES = 128


def serve(warehouse: Path, port: int = DEFAULT_PORT) -> None:
    """Serve until stopped; running requests are finished.

    Raises
    ------
    UserError
        Without a key or a warehouse; where the system allows fewer open files than connections need.
    """
    app = create_app(warehouse, os.environ)
    allow_open_files(app.state.limits.connections)
    # models stay loaded: a garbage collection that walks them would stall all requests for 0.1 s
    gc.collect()
    gc.freeze()
    # many rows, or a new warehouse, yield sooner than after the default of 5 ms: reasons of one row take
    # Python's lock some fifty times
    sys.setswitchinterval(0.0001)
    print(f"serving {warehouse} on http://127.0.0.1:{port}/docs", flush=True)
    uvicorn.run(app, host="127.0.0.1", port=port, **uvicorn_settings(app.state.limits))


def uvicorn_settings(limits: Limits) -> dict[str, Any]:
    """Return uvicorn's settings; its own limit of connections would refuse `/healthz` too."""
    return {
        "loop": "uvloop",
        "http": cast(Any, partial(LimitedProtocol, limits=limits, waiting=Waiting())),
        "ws": "none",
        "backlog": backlog(limits.connections),
        "timeout_keep_alive": limits.header_seconds,
        "access_log": False,
        "log_level": "warning",
        "server_header": False,
        "timeout_graceful_shutdown": 30,
    }


def backlog(connections: int) -> int:
    """Return how many connections may wait to be accepted; others of a burst wait for a second."""
    return min(max(connections, 128), 1_024)


def allow_open_files(connections: int) -> None:
    """Let the process open files enough for its connections, for those to be accepted, and for more.

    Raises
    ------
    UserError
        Where the system allows fewer.
    """
    needed = connections + backlog(connections) + OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise UserError(
            f"LEADLIGHT_API_CONNECTIONS is {connections}, which needs {needed:,} open files; the system "
            f"allows {hard:,} (ulimit -Hn). Set it lower, or allow more open files."
        )
    if soft != resource.RLIM_INFINITY and soft < needed:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
