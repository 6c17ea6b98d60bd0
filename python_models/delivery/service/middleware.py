"""Limits of size and time of a request, request ids, and the audit line."""

import asyncio
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from python_models.common.errors import UserError
from python_models.delivery.service.errors import api_error, json_response
from python_models.delivery.service.telemetry import Telemetry


@dataclass(frozen=True)
class Limits:
    """What a client may ask for; each can be set by a variable of the environment."""

    body_bytes: int = 16 * 2**20
    requests_per_second: float = 1_000.0
    timeout_seconds: float = 30.0
    jobs: int = 2
    explained_trees: int = 1_000_000
    connections: int = 2_048
    header_seconds: float = 10.0
    header_bytes: int = 65_536
    log_bytes: int = 100 * 2**20

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Limits":
        """Read the fields from `LEADLIGHT_API_BODY_BYTES`, `LEADLIGHT_API_JOBS` and so on."""
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


class RequestMiddleware:
    """Gives every request an id, limits of size and time, and an audit line; hides traces."""

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
        received = 0

        async def receive_limited() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self.limits.body_bytes:
                raise api_error(
                    "body_too_large", f"the body has more than {self.limits.body_bytes:,} bytes", 413
                )
            return message

        async def send_with_headers(message: Message) -> None:
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
                await self.app(scope, receive_limited, send_with_headers)
        except TimeoutError:
            await self._send_error(
                send_with_headers, scope, status, 503, "timeout", "it took too long; ask for fewer rows"
            )
        except ClientDisconnect:
            pass
        except Exception as error:
            audit["exception"] = type(error).__name__
            await self._send_error(
                send_with_headers, scope, status, 500, "internal", "something is wrong with the service"
            )
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
    async def _send_error(send: Send, scope: Scope, begun: int, status: int, code: str, message: str) -> None:
        if begun:
            return
        request_id = scope["state"]["audit"]["request_id"]
        response = json_response(
            {"error": {"code": code, "message": message, "request_id": request_id}}, status
        )
        await response(scope, _disconnected, send)


async def _disconnected() -> Message:
    return {"type": "http.disconnect"}
