"""Errors of the scoring service as JSON."""

from typing import Any

import msgspec
from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException as StarletteHTTPException


def json_response(content: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(msgspec.json.encode(content), status, headers, "application/json")


def api_error(code: str, message: str, status: int, headers: dict[str, str] | None = None) -> HTTPException:
    """Return the error to raise for a request; `code` is part of the API."""
    return HTTPException(status, {"code": code, "message": message}, headers)


async def on_http_error(request: Request, error: Exception) -> Response:
    """Answer with an `api_error`, or with an error of Starlette's own."""
    assert isinstance(error, StarletteHTTPException)
    detail: Any = error.detail
    if not isinstance(detail, dict):
        code = {404: "unknown_path", 405: "wrong_method"}.get(error.status_code, "refused")
        detail = {"code": code, "message": str(error.detail)}
    content = {"error": detail | {"request_id": request.state.audit["request_id"]}}
    return json_response(content, error.status_code, dict(error.headers or {}))


async def on_validation_error(request: Request, error: Exception) -> Response:
    """Answer where FastAPI could not read the request."""
    assert isinstance(error, RequestValidationError)
    message = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
    detail = {"code": "not_understood", "message": message, "request_id": request.state.audit["request_id"]}
    return json_response({"error": detail}, 422)
