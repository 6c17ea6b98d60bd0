"""Threads that compute beside the event loop, a limited number at a time."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Concatenate, ParamSpec, TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
# How often to look whether the client is still there.
LOOK_SECONDS = 0.25


class AbandonedError(Exception):
    """Nobody waits for the result of this job any more."""


class Job:
    """A job as its thread sees it."""

    def __init__(self) -> None:
        self._abandoned = threading.Event()

    def abandon(self) -> None:
        self._abandoned.set()

    def check(self) -> None:
        """End the job here if it is abandoned; call it between chunks."""
        if self._abandoned.is_set():
            raise AbandonedError


class JobPool:
    """Runs functions in threads of its own, at most `limit` at a time."""

    def __init__(self, limit: int):
        self._threads = ThreadPoolExecutor(limit)

    async def run(
        self,
        request: Request,
        work: Callable[Concatenate[Job, Arguments], Result],
        *given: Arguments.args,
        **named: Arguments.kwargs,
    ) -> Result:
        """Run a function in a thread.

        Its job is abandoned when the request times out or its client leaves: it never starts, or ends
        before its next chunk. Until then it counts.

        Raises
        ------
        ClientDisconnect
            Where the client left.
        """
        job = Job()
        running = asyncio.wrap_future(self._threads.submit(work, job, *given, **named))
        try:
            while not (await asyncio.wait({running}, timeout=LOOK_SECONDS))[0]:
                if await request.is_disconnected():
                    raise ClientDisconnect
            return running.result()
        finally:
            job.abandon()
            running.cancel()

    def close(self) -> None:
        """Start no more jobs; those that are running end with their requests."""
        self._threads.shutdown(wait=False, cancel_futures=True)
