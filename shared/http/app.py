"""The edge that every application of the platform has: guards, problem documents, headers, a request's id."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Final

import structlog
from asyncpg import DataError
from fastapi import FastAPI, HTTPException, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.clock import monotonic
from shared.errors import Transient
from shared.http import docs, request_id
from shared.http.auth import enforce
from shared.http.bodies import unfit, unfit_address, unread
from shared.http.outside import Exchange
from shared.http.problems import describe, install_problems, internal, problem, unstorable
from shared.http.refusals import HttpError
from shared.http.tokens import Verifier
from shared.metrics import METRICS

MAX_BODY_BYTES: Final = 1024 * 1024
MAX_HEADER_BYTES: Final = 32 * 1024
ROUND_A_FILE: Final = 64 * 1024
"""Bytes that a form may take around the file in it."""

_log = structlog.get_logger("http")

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "permissions-policy": "camera=(), geolocation=(), microphone=()",
    "cache-control": "no-store",
    "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Set where a route has not said otherwise: pages bring their own policy."""

_FORWARDED: Final = ("forwarded", "x-forwarded-for", "x-real-ip", "via")
"""What a gateway adds: a request with one of these does not come from this machine, whatever its address says."""


def install(app: FastAPI, verifier: Verifier, larger: Mapping[str, int] | None = None) -> None:
    """Gives the application its edge; call it before the first request, and `check_guards` after the last router.

    Bodies over 1 MiB are refused (413); `larger` gives the bytes allowed under a path prefix.
    """
    app.state.verifier = verifier
    install_problems(app)
    docs.install(app)
    app.add_middleware(Edge, larger=larger or {})


class Edge:
    """Names the request, sets the headers, and lets no unforeseen error out with its inside."""

    def __init__(self, app: ASGIApp, larger: Mapping[str, int]) -> None:
        self._app, self._larger = app, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        own_id = request_id.id_of(headers.get(request_id.HEADER))
        if headless := scope["method"] == "HEAD":
            scope = {**scope, "method": "GET"}  # the same answer, its headers alone
        answer, body = (
            _Answer(scope, send, own_id, headless=headless),
            _Body(receive, scope, self._limit(scope["path"])),
        )
        with structlog.contextvars.bound_contextvars(request_id=own_id):
            if (refusal := _refused(scope, headers)) is not None:
                await refusal(scope, receive, answer)
                return
            try:
                await _exchange(scope, headers)
                await self._app(scope, body, answer)
            except Exception as error:
                if answer.started:
                    raise
                refusal = _told(scope, error)
                await refusal(scope, receive, answer)

    def _limit(self, path: str) -> int:
        return next((size for prefix, size in self._larger.items() if path.startswith(prefix)), MAX_BODY_BYTES)


class _Body:
    """Hands the body on while it stays within its limit, and, but where larger ones are allowed, holds nothing unfit.

    It raises FastAPI's own exception, which reaches the handlers as it is; the framework's limiter would answer past
    them, before anybody asked who is calling and not as a problem document.
    """

    def __init__(self, receive: Receive, scope: Scope, limit: int) -> None:
        self._receive, self._scope, self._left = receive, scope, limit
        self._read: list[bytes] | None = [] if limit <= MAX_BODY_BYTES else None
        self._admitted = False

    async def __call__(self) -> Message:
        if not self._admitted:
            enforce(Request(self._scope))  # nothing is read for whoever may not call
            self._admitted = True
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413)
        if self._read is not None and message["type"] == "http.request":
            self._read.append(message.get("body", b""))
            if not message.get("more_body") and unfit(self._content_type(), b"".join(self._read)):
                raise HTTPException(400)
        return message

    def _content_type(self) -> str:
        return Headers(scope=self._scope).get("content-type", "")


class _Answer:
    """Passes the answer on, with the headers that are ours to add."""

    def __init__(self, scope: Scope, send: Send, own_id: str, *, headless: bool) -> None:
        self._scope, self._send, self._own_id, self._headless = scope, send, own_id, headless
        self._began = monotonic()
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            METRICS.requests.labels(_route(self._scope), message["status"]).observe(monotonic() - self._began)
            self._complete(MutableHeaders(raw=message.setdefault("headers", [])))
        elif self._headless:
            message = {**message, "body": b""}
        await self._send(message)

    def _complete(self, headers: MutableHeaders) -> None:
        headers[request_id.HEADER] = self._own_id
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        if self._scope.get("scheme") == "https":
            headers.setdefault("strict-transport-security", "max-age=31536000")


def _route(scope: Scope) -> str:
    """The route as it was declared: an address may hold a number, and strangers may make up as many as they like."""
    route = scope.get("route")
    if route is None:
        return "unknown"
    return f"{scope['method']} {route.path}" if scope["method"] in route.methods else f"* {route.path}"


def _refused(scope: Scope, headers: Headers) -> Response | None:
    """What is refused by its address or its kind alone, whoever asks."""
    if scope["path"] == "/metrics" and any(name in headers for name in _FORWARDED):
        return problem(404, "NOT_FOUND")
    if sum(len(name) + len(value) for name, value in scope["headers"]) > MAX_HEADER_BYTES:
        return problem(431, "HEADERS_TOO_LARGE")
    if unread(headers.get("content-type", ""), headers.get("content-encoding", "")):
        return problem(415, "UNSUPPORTED_MEDIA_TYPE")
    return unstorable() if unfit_address(scope["path"], scope.get("query_string", b"")) else None


async def _exchange(scope: Scope, headers: Headers) -> None:
    """An outside issuer's token is exchanged before anybody asks who is calling; what opens nothing is left as it is."""
    exchange: Exchange | None = getattr(scope["app"].state, "exchange", None)
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if exchange is not None and scheme.lower() == "bearer" and exchange.concerns(token.strip()):
        client = scope.get("client")
        Request(scope).state.exchanged = await exchange.own(token.strip(), client[0] if client else "")


def _told(scope: Scope, error: Exception) -> Response:
    if isinstance(error, Transient | HttpError):
        return describe(error)
    _record(scope, error)
    return unstorable() if isinstance(error, DataError) else internal()


def _record(scope: Scope, error: Exception) -> None:
    # The message of an error may quote what somebody typed in; its kind and place never do.
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    route = getattr(scope.get("route"), "path", scope.get("method"))
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    _log.error("unforeseen error", error=type(error).__name__, route=route, where=where)
