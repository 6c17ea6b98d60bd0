"""`python -m python_models serve`: the application under uvicorn, on this machine only."""

import gc
import os
import sys
from pathlib import Path

import uvicorn

from python_models.delivery.service.app import create_app

PORT = 8000


def serve(warehouse: Path, port: int = PORT) -> None:
    """Serve until told to stop; requests that are under way are finished.

    Raises
    ------
    UserError
        Without a key or a warehouse.
    """
    app = create_app(warehouse, os.environ)
    # what is loaded stays: looking through it for garbage would stop all requests for a tenth of a second
    gc.collect()
    gc.freeze()
    # a thread that reads a new warehouse gives way sooner than after five milliseconds
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
