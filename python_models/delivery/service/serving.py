"""`python -m python_models serve`: the application under uvicorn, on this machine only."""

import gc
import os
import sys
from pathlib import Path

import uvicorn

from python_models.delivery.service.app import create_app

DEFAULT_PORT = 8000


def serve(warehouse: Path, port: int = DEFAULT_PORT) -> None:
    """Serve until stopped; running requests are finished.

    Raises
    ------
    UserError
        Without a key or a warehouse.
    """
    app = create_app(warehouse, os.environ)
    # models stay loaded: a garbage collection that walks them would stall all requests for 0.1 s
    gc.collect()
    gc.freeze()
    # a thread that reads a new warehouse yields sooner than after the default of 5 ms
    sys.setswitchinterval(0.001)
    print(f"serving {warehouse} on http://127.0.0.1:{port}/docs", flush=True)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        loop="uvloop",
        http="httptools",
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=30,
    )
