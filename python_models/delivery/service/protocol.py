"""HTTP connections with limits of their number, of a header's size, and of the time without a request.

uvicorn has no timeout for a header, and counts connections only when a request is complete: whoever opens
connections and sends half a header would keep all others out.
"""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from python_models.delivery.service.middleware import Limits


class Waiting:
    """Connections that wait for a request, those that have waited longest first."""

    def __init__(self) -> None:
        self.new: dict[LimitedProtocol, None] = {}
        self.idle: dict[LimitedProtocol, None] = {}

    def longest(self) -> "LimitedProtocol | None":
        """Return the connection to close for another one: one without any request so far, if possible."""
        return next(iter(self.new or self.idle), None)


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with limits: each connection is dropped in time, whatever it waits for."""

    def __init__(self, *given: Any, limits: Limits, waiting: Waiting, **named: Any):
        super().__init__(*given, **named)
        self.limits = limits
        self.waiting = waiting
        self.deadline: asyncio.TimerHandle | None = None
        self.is_in_header = False
        self.header_bytes = 0
        self.answering: RequestResponseCycle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_request(self.waiting.new)
        if len(self.connections) > self.limits.connections and (longest := self.waiting.longest()):
            longest.drop()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)
        # uvicorn tells only the last of pipelined requests that its client is gone
        if self.answering:
            self.answering.disconnected = True
            self.answering.message_event.set()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        self.answering = cycle
        super()._start_asgi_task(cycle, app)

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        if self.is_in_header:
            self.header_bytes += len(data)
            if self.header_bytes > self.limits.header_bytes:
                self.drop()

    def on_message_begin(self) -> None:
        self.is_in_header, self.header_bytes = True, 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self.is_in_header = False
        self._wait_for_answer()
        super().on_headers_complete()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self.cycle.response_complete:
            self._wait_for_request(self.waiting.idle)
        else:  # a pipelined request
            self._wait_for_answer()

    def drop(self) -> None:
        """Close the connection at once, whatever is still to be sent: its client may never read it."""
        self._stop_waiting()
        self.connections.discard(self)
        self.transport.abort()

    def _wait_for_request(self, among: "dict[LimitedProtocol, None]") -> None:
        self._stop_waiting()
        among[self] = None
        self.deadline = self.loop.call_later(self.limits.header_seconds, self.drop)

    def _wait_for_answer(self) -> None:
        """Leave the answer its time; one that the client does not read would never be sent."""
        self._stop_waiting()
        seconds = self.limits.timeout_seconds + self.limits.header_seconds
        self.deadline = self.loop.call_later(seconds, self.drop)

    def _stop_waiting(self) -> None:
        self.waiting.new.pop(self, None)
        self.waiting.idle.pop(self, None)
        if self.deadline:
            self.deadline.cancel()
