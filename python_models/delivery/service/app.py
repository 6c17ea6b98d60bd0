"""Assembly of the scoring service: state, middleware, error handlers and routes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.middleware import Middleware

from python_models.delivery.service.auth import (
    WRONG_KEYS_AT_ONCE,
    WRONG_KEYS_PER_SECOND,
    RateLimiter,
    read_keys,
)
from python_models.delivery.service.errors import on_http_error, on_validation_error
from python_models.delivery.service.jobs import JobPool
from python_models.delivery.service.middleware import Limits, RequestMiddleware
from python_models.delivery.service.openapi import openapi_document, request_examples
from python_models.delivery.service.routes import router
from python_models.delivery.service.snapshot import Snapshot, SnapshotStore
from python_models.delivery.service.telemetry import Telemetry
from python_models.delivery.service.trial import try_warehouse


def create_app(
    warehouse: Path,
    environment: Mapping[str, str],
    look_seconds: float = 1.0,
    check: Callable[[Path], None] = try_warehouse,
) -> FastAPI:
    """Create the application over a published warehouse.

    Parameters
    ----------
    warehouse : pathlib.Path
        The published warehouse; it is only read, and read again when another one is published.
    environment : mapping
        `LEADLIGHT_API_KEYS`, limits, `LEADLIGHT_API_LOG`.
    look_seconds : float
        How often to look for a new warehouse.
    check : function
        Raises an error where a new warehouse must not be served.

    Raises
    ------
    UserError
        Without a key or a warehouse.
    """
    keys, limits = read_keys(environment), Limits.read(environment)
    telemetry = Telemetry(environment.get("LEADLIGHT_API_LOG"), limits.log_bytes)

    def log_change(snapshot: Snapshot | None, load_error: str | None) -> None:
        telemetry.warehouse_changed(len(snapshot.campaigns) if snapshot else None, load_error)

    store = SnapshotStore(warehouse, log_change, check)
    log_change(store.current, None)

    @asynccontextmanager
    async def watch_warehouse(_: FastAPI) -> AsyncIterator[None]:
        store.start(look_seconds)
        try:
            yield
        finally:
            await asyncio.to_thread(store.stop)
            for pool in (app.state.jobs, app.state.small_jobs):
                pool.close()

    app = FastAPI(
        title="Leadlight",
        summary="Scores and segments of customers, by the models that the warehouse publishes.",
        version="1",
        lifespan=watch_warehouse,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        middleware=[Middleware(RequestMiddleware, limits=limits, telemetry=telemetry)],
        exception_handlers={
            StarletteHTTPException: on_http_error,
            RequestValidationError: on_validation_error,
        },
    )
    app.state.keys = keys
    app.state.limits = limits
    app.state.telemetry = telemetry
    app.state.store = store
    app.state.rate_limiter = RateLimiter(limits.requests_per_second, max(limits.requests_per_second, 1.0))
    app.state.wrong_keys = RateLimiter(WRONG_KEYS_PER_SECOND, WRONG_KEYS_AT_ONCE)
    # threads of their own, so that one row never waits behind 10,000
    app.state.jobs, app.state.small_jobs = JobPool(limits.jobs), JobPool(limits.jobs)
    app.include_router(router)
    examples = request_examples(store.current.campaigns.values())
    app.openapi = partial(openapi_document, app, examples)  # type: ignore[method-assign]
    return app
