"""No route lets in another administrator than the one whose part it is, or the start stops."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from shared.administrators import ADMINISTRATORS, duty
from shared.errors import Misconfigured
from shared.http.auth import roles_of


def check_duties(app: FastAPI) -> None:
    """Stops the start (`Misconfigured`) naming every route that lets another administrator in than its own."""
    wrong = [
        f"{method} {context.path}: {', '.join(sorted(strangers))}"
        for context in iter_route_contexts(app.routes)
        for method in sorted(context.methods or ())
        if (strangers := _strangers(method, context.path or "", roles_of(context)))
    ]
    if wrong:
        named = "; ".join(wrong)
        raise Misconfigured("routes", f"三员职责混同:{named}", f"another administrator's part: {named}")


def _strangers(method: str, path: str, let_in: frozenset[str]) -> frozenset[str]:
    own = duty(method, path)
    return frozenset() if own is None else (let_in & ADMINISTRATORS) - own
