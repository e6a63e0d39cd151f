"""The edge that every application of the platform has: guards, problem documents, headers, a request's id."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from typing import Final

import structlog
from fastapi import FastAPI, HTTPException
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http import correlation
from shared.http.problems import install_problems, internal
from shared.http.tokens import Verifier

MAX_BODY_BYTES: Final = 1024 * 1024
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

_DOCS_POLICY: Final = (
    "default-src 'none'; connect-src 'self'; img-src 'self' data: https://fastapi.tiangolo.com; "
    "script-src 'unsafe-inline' https://cdn.jsdelivr.net; style-src 'unsafe-inline' https://cdn.jsdelivr.net; "
    "frame-ancestors 'none'"
)


def install(app: FastAPI, verifier: Verifier, larger: Mapping[str, int] | None = None) -> None:
    """Gives the application its edge; call it before the first request, and `check_guards` after the last router.

    Bodies over 1 MiB are refused (413); `larger` gives the bytes allowed under a path prefix.
    """
    app.state.verifier = verifier
    install_problems(app)
    app.add_middleware(Edge, larger=larger or {})


class Edge:
    """Names the request, sets the headers, and lets no unforeseen error out with its inside."""

    def __init__(self, app: ASGIApp, larger: Mapping[str, int]) -> None:
        self._app, self._larger = app, larger

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = correlation.begin(Headers(scope=scope).get(correlation.HEADER))
        answer, body = _Answer(scope, send, request_id), _Body(receive, self._limit(scope["path"]))
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._app(scope, body, answer)
            except Exception as error:
                if answer.started:
                    raise
                _record(scope, error)
                await internal()(scope, receive, answer)

    def _limit(self, path: str) -> int:
        return next((size for prefix, size in self._larger.items() if path.startswith(prefix)), MAX_BODY_BYTES)


class _Body:
    """Hands the body on while it stays within its limit.

    It raises FastAPI's own exception, which reaches the handlers as it is; the framework's limiter would answer past
    them, before anybody asked who is calling and not as a problem document.
    """

    def __init__(self, receive: Receive, limit: int) -> None:
        self._receive, self._left = receive, limit

    async def __call__(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise HTTPException(413)
        return message


class _Answer:
    """Passes the answer on, with the headers that are ours to add."""

    def __init__(self, scope: Scope, send: Send, request_id: str) -> None:
        self._scope, self._send, self._request_id = scope, send, request_id
        self.started = False

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            self._complete(MutableHeaders(raw=message.setdefault("headers", [])))
        await self._send(message)

    def _complete(self, headers: MutableHeaders) -> None:
        headers[correlation.HEADER] = self._request_id
        if self._scope["path"] == "/docs":
            headers.setdefault("content-security-policy", _DOCS_POLICY)
        for name, value in SECURITY_HEADERS.items():
            headers.setdefault(name, value)
        if self._scope.get("scheme") == "https":
            headers.setdefault("strict-transport-security", "max-age=31536000")


def _record(scope: Scope, error: Exception) -> None:
    # The message of an error may quote what somebody typed in; its kind and place never do.
    frames = traceback.extract_tb(error.__traceback__)[-6:]
    route = getattr(scope.get("route"), "path", scope.get("method"))
    where = [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in frames]
    _log.error("unforeseen error", error=type(error).__name__, route=route, where=where)
