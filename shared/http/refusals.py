"""A refusal of the HTTP edge itself: it names the status, because no domain rule stands behind it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from shared.codes import named
from shared.errors import OneWindowError


class HttpError(OneWindowError):
    """Answered as a problem document with this status, code and headers."""

    def __init__(
        self,
        status: int,
        code: str,
        detail_zh: str = "",
        detail_en: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail_zh, detail_en, code=code)
        self.status = status
        self.headers = dict(headers or {})


def unauthenticated(code: str = "UNAUTHENTICATED") -> HttpError:
    """401: no token, or one that does not hold; why exactly is not told to whoever tried it."""
    return HttpError(401, code, headers={"WWW-Authenticate": "Bearer"})


def forbidden(code: str = "FORBIDDEN") -> HttpError:
    """403: signed in, but not in a role (or unit) that may do this."""
    return HttpError(403, code)


def too_many(wait: float) -> HttpError:
    """429: come back after `wait` seconds."""
    seconds = max(1, math.ceil(wait))
    return HttpError(
        429,
        "TOO_MANY_REQUESTS",
        f"请求过于频繁,请{seconds}秒后再试",
        f"too many requests: try again in {seconds} seconds",
        {"Retry-After": str(seconds)},
    )


def not_found() -> HttpError:
    """404: it does not exist, or it is another's, which is told the same way."""
    return HttpError(404, "NOT_FOUND")


def none_named(given: str, known: Iterable[str]) -> HttpError:
    """404 for a name that everybody may know: which there are, or which are near."""
    zh, _, en = named("NOT_FOUND", given, known).partition(" / ")
    return HttpError(404, "NOT_FOUND", zh, en)


AnyError = TypeVar("AnyError", bound=OneWindowError)


def extended(error: AnyError, /, **members: Any) -> AnyError:
    """The error with extension members (RFC 9457) for its document, as `existing` or the present `state`."""
    error.__dict__["members"] = members
    return error


def members_of(error: OneWindowError) -> dict[str, Any]:
    """The extension members that `extended` gave, none otherwise."""
    found: dict[str, Any] = error.__dict__.get("members", {})
    return found
