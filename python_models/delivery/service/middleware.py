"""Limits of size and time of a request, request ids, and the audit line."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from python_models.common.errors import UserError
from python_models.delivery.service.errors import fault, json_answer
from python_models.delivery.service.telemetry import Telemetry


@dataclass(frozen=True)
class Limits:
    """What a client may ask for; each can be set by a variable of the environment."""

    body_bytes: int = 16 * 2**20
    requests_per_second: float = 1_000.0
    timeout_seconds: float = 30.0
    jobs: int = 2

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Limits":
        """`LEADLIGHT_API_BODY_BYTES`, `_REQUESTS_PER_SECOND`, `_TIMEOUT_SECONDS` and `_JOBS`."""
        given: dict[str, Any] = {}
        for name, default in vars(cls()).items():
            variable = f"LEADLIGHT_API_{name.upper()}"
            text = environment.get(variable)
            if text is None:
                continue
            try:
                given[name] = type(default)(text)
            except ValueError:
                given[name] = 0
            if not 0 < given[name] < float("inf"):
                raise UserError(f"{variable} is '{text}'; allowed is a number above 0, such as {default}.")
        return cls(**given)


class Gate:
    """Around every request: its number, limits of body and time, an audit line. No trace escapes."""

    def __init__(self, app: ASGIApp, limits: Limits, telemetry: Telemetry):
        self.app = app
        self.limits = limits
        self.telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        start = time.perf_counter()
        audit: dict[str, Any] = {"request_id": uuid.uuid4().hex[:16]}
        scope.setdefault("state", {})["audit"] = audit
        status = 0
        taken = 0

        async def limited() -> Message:
            nonlocal taken
            message = await receive()
            taken += len(message.get("body", b""))
            if taken > self.limits.body_bytes:
                raise fault("body_too_large", f"the body has more than {self.limits.body_bytes:,} bytes", 413)
            return message

        async def noted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [
                    *message.get("headers", []),
                    (b"x-request-id", audit["request_id"].encode()),
                    (b"cache-control", b"no-store"),
                    (b"x-content-type-options", b"nosniff"),
                ]
            await send(message)

        try:
            async with asyncio.timeout(self.limits.timeout_seconds):
                await self.app(scope, limited, noted)
        except TimeoutError:
            await self._give_up(noted, scope, status, 503, "timeout", "it took too long; ask for fewer rows")
        except Exception as error:
            audit["exception"] = type(error).__name__
            await self._give_up(noted, scope, status, 500, "internal", "something is wrong with the service")
        finally:
            route = scope.get("route")
            self.telemetry.request(
                audit
                | {
                    "method": scope["method"],
                    "route": getattr(route, "path", "unknown"),
                    "status": status or 499,
                    "milliseconds": round(1_000 * (time.perf_counter() - start), 3),
                }
            )

    @staticmethod
    async def _give_up(send: Send, scope: Scope, begun: int, status: int, code: str, message: str) -> None:
        if begun:
            return
        request_id = scope["state"]["audit"]["request_id"]
        answer = json_answer({"error": {"code": code, "message": message, "request_id": request_id}}, status)
        await answer(scope, _nothing, send)


async def _nothing() -> Message:
    return {"type": "http.disconnect"}
