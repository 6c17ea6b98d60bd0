"""`python -m python_models serve`: the application under uvicorn, on this machine only."""

import os
from pathlib import Path

import uvicorn

from python_models.service.app import create_app

PORT = 8000


def serve(warehouse: Path, port: int = PORT) -> None:
    """Serve until told to stop; requests that are under way are finished.

    Raises
    ------
    InputError
        Without a key or a warehouse.
    """
    app = create_app(warehouse, os.environ)
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
