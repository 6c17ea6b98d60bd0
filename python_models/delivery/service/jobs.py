"""Threads that compute beside the event loop, a limited number at a time."""

import asyncio
from collections.abc import Callable
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class JobPool:
    """Runs functions in threads, at most `limit` at a time."""

    def __init__(self, limit: int):
        self._free = asyncio.Semaphore(limit)

    async def run(
        self, work: Callable[Arguments, Result], *given: Arguments.args, **named: Arguments.kwargs
    ) -> Result:
        """Run a function in a thread.

        A job whose request has timed out still counts until its thread ends.
        """
        await self._free.acquire()
        running = asyncio.ensure_future(asyncio.to_thread(work, *given, **named))

        def release(done: asyncio.Future[Result]) -> None:
            self._free.release()
            # retrieved, so that asyncio does not log the trace of a job that nobody waits for
            if not done.cancelled():
                done.exception()

        running.add_done_callback(release)
        return await asyncio.shield(running)
