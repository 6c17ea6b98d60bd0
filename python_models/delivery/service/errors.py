"""Errors of the scoring service as JSON."""

from typing import Any

import orjson
from fastapi import HTTPException
from fastapi.responses import Response


def json_answer(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(orjson.dumps(content), status, headers, "application/json")


def fault(code: str, message: str, status: int, headers: dict[str, str] | None = None) -> HTTPException:
    return HTTPException(status, {"code": code, "message": message}, headers)
