"""Problem documents (RFC 9457): every error of the HTTP edge in one shape, in Chinese and English."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.codes import CODES
from shared.complaints import field_errors, pointer
from shared.errors import Conflict, FieldError, Invalid, OneWindowError, RefusedError, TooLarge, Transient
from shared.http.auth import enforce
from shared.http.bodies import misfits
from shared.http.recording import record_misshapen
from shared.http.refusals import HttpError, members_of

MEDIA_TYPE: Final = "application/problem+json"

STATUS_OF_CODE: Final[Mapping[str, int]] = {
    "IDEMPOTENCY_KEY_REQUIRED": 400,
    "FORBIDDEN": 403,
    "FOUR_EYES": 403,
    "NOT_FOUND": 404,
    "DUPLICATE_APPLICATION": 409,
    "IDEMPOTENCY_KEY_REUSED": 422,
    "PREREQUISITE_MISSING": 422,
}
"""Codes whose status the contract fixes, whatever kind of error carries them."""

_TITLES: Final[Mapping[int, str]] = {
    400: "请求有误 / Bad request",
    401: "未登录 / Not signed in",
    403: "无权办理 / Not allowed",
    404: "未找到 / Not found",
    405: "不支持的方法 / Method not allowed",
    408: "上传过慢 / Request timeout",
    409: "与现状冲突 / Conflict",
    413: "内容过大 / Content too large",
    414: "地址过长 / URI too long",
    415: "不支持的内容类型 / Unsupported media type",
    422: "不能受理所填内容 / Unprocessable content",
    429: "请求过于频繁 / Too many requests",
    431: "请求头过大 / Request header fields too large",
    500: "系统内部错误 / Internal error",
    503: "暂时无法服务 / Temporarily unavailable",
}
_CODES: Final[Mapping[int, str]] = {
    400: "BAD_REQUEST",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    413: "TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    500: "INTERNAL",
}
RETRY_AFTER_SECONDS: Final = 5


def problem(
    status: int,
    code: str,
    detail: str = "",
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
    **members: Any,
) -> JSONResponse:
    """One problem document; `members` are its extensions (`existing`, `state`)."""
    body = {**body_of(status, code, detail, errors), **members}
    return JSONResponse(body, status, dict(headers or {}), MEDIA_TYPE)


def body_of(status: int, code: str, detail: str = "", errors: Sequence[FieldError] = ()) -> dict[str, object]:
    """The document itself, for whoever answers in the platform's place; without a detail in the code's own words."""
    return {
        "type": f"urn:onewindow:problem:{code.lower()}",
        "title": _title(status),
        "status": status,
        "code": code,
        "detail": detail or CODES.get(code, ""),
        "errors": [asdict(error) for error in errors],
    }


def _title(status: int) -> str:
    return _TITLES.get(status) or HTTPStatus(status).phrase


def internal() -> JSONResponse:
    """What is told of an error nobody foresaw: nothing of its inside."""
    return problem(500, "INTERNAL")


def unstorable() -> JSONResponse:
    """What is told of text or a number that the database cannot hold."""
    return problem(400, "BAD_REQUEST")


def describe(error: OneWindowError) -> JSONResponse:
    """The document of one of the house's own errors, by its kind and code."""
    status = _status(error)
    if status == 500:
        return internal()
    fields = error.errors if isinstance(error, Invalid) else ()
    return problem(status, _code(error), _detail(error), fields, _headers(error), **_members(error))


def _code(error: OneWindowError) -> str:
    """The error's code; a single wrong field that the contract names by a code of its own speaks for the whole."""
    codes = {field.code for field in error.errors} if isinstance(error, Invalid) else set()
    return codes.pop() if len(codes) == 1 and codes <= STATUS_OF_CODE.keys() else error.code


def _status(error: OneWindowError) -> int:
    if isinstance(error, HttpError):
        return error.status
    if (code := _code(error)) in STATUS_OF_CODE:
        return STATUS_OF_CODE[code]
    kinds = ((Transient, 503), (Conflict, 409), (Invalid, 422), (RefusedError, 422), (TooLarge, 413))
    return next((status for kind, status in kinds if isinstance(error, kind)), 500)


def _detail(error: OneWindowError) -> str:
    return " / ".join(dict.fromkeys(filter(None, (error.detail_zh, error.detail_en))))


def _headers(error: OneWindowError) -> Mapping[str, str]:
    if isinstance(error, HttpError):
        return error.headers
    if isinstance(error, Transient):
        return {"Retry-After": str(max(1, round(error.retry_after or RETRY_AFTER_SECONDS)))}
    return {}


def _members(error: OneWindowError) -> dict[str, Any]:
    law = {"law": error.refused.law} if isinstance(error, RefusedError) and error.refused.law else {}
    return {**law, **members_of(error)}


async def _misshapen(request: Request, error: RequestValidationError) -> JSONResponse:
    if misfits(request.headers, request.scope.get("route")):
        return problem(415, "UNSUPPORTED_MEDIA_TYPE")
    found = [_of_part(entry) for entry in error.errors()]
    await record_misshapen(request, found)
    named = "、".join(dict.fromkeys(f.pointer or "/" for f in found))
    return problem(422, "INVALID", f"填写有误:{named} / wrong fields: {named}", found)


def _of_part(entry: Mapping[str, Any]) -> FieldError:
    """A wrong field: pointers into the body are plain, those of a query, path or header name it."""
    part, *path = entry["loc"]
    if entry["type"] == "json_invalid":
        path = []
    return field_errors([{**entry, "loc": path}], "" if part == "body" else pointer([part]))[0]


async def _described(_: Request, error: OneWindowError) -> JSONResponse:
    return describe(error)


async def _of_http(_: Request, error: HTTPException) -> JSONResponse:
    status = error.status_code
    code = _CODES.get(status) or HTTPStatus(status).name
    return problem(status, code, CODES.get(code) or _title(status), headers=error.headers)


def _after_guards(render: Callable[[Request, Any], Awaitable[JSONResponse]]) -> Callable[[Request, Exception], Any]:
    """A handler that asks the route's guards first: 401, then 403, come before whatever else is wrong."""

    async def handle(request: Request, error: Exception) -> JSONResponse:
        try:
            enforce(request)
        except HttpError as refusal:
            return describe(refusal)
        return await render(request, error)

    return handle


def install_problems(app: FastAPI) -> None:
    """Every error of this application is answered as a problem document."""
    app.add_exception_handler(RequestValidationError, _after_guards(_misshapen))
    app.add_exception_handler(OneWindowError, _after_guards(_described))
    app.add_exception_handler(HTTPException, _after_guards(_of_http))
