"""The command line's own client of a running platform: `ONEWINDOW_URL`, `ONEWINDOW_TOKEN`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import httpx

from shared.config import PREFIX, load_settings
from shared.errors import Misconfigured, Transient

DEMO_PASSWORD = "onewindow-demo"  # noqa: S105 — the public password of the demonstration


def base_url() -> str:
    """Where the platform answers: `ONEWINDOW_URL`, else loopback and the configured port."""
    settings = load_settings()
    return os.environ.get(f"{PREFIX}URL") or f"http://{settings.host}:{settings.port}"


def token(client: httpx.Client) -> str:
    """`ONEWINDOW_TOKEN`, else that of the demonstration's operator."""
    given = os.environ.get(f"{PREFIX}TOKEN")
    if given:
        return given
    form = {"grant_type": "password", "username": "operator", "password": DEMO_PASSWORD}
    answer = client.post("/api/auth/token", data=form)
    if answer.status_code != httpx.codes.OK:
        raise Misconfigured(f"{PREFIX}TOKEN", "需要操作员令牌", "an operator's token is needed")
    found: str = answer.json()["access_token"]
    return found


def call(method: str, path: str, body: Any = None) -> dict[str, Any]:
    """One call as the operator; a problem document becomes a sentence."""
    try:
        with httpx.Client(base_url=base_url(), timeout=10) as client:
            answer = client.request(method, path, json=body, headers={"Authorization": f"Bearer {token(client)}"})
    except httpx.TransportError as cause:
        raise Transient(f"{base_url()} 没有应答", f"{base_url()} does not answer") from cause
    try:
        found: dict[str, Any] = answer.json()
    except ValueError as cause:  # a gateway whose service is away answers a page of its own
        said = f"{path}: HTTP {answer.status_code}"
        raise Transient(f"{said},不是平台的应答", f"{said}, and no answer of the platform") from cause
    if answer.is_error:
        raise Misconfigured(path, found.get("detail", ""), f"{found.get('code', '')}: {found.get('title', '')}")
    return found


def pages(path: str) -> Iterator[dict[str, Any]]:
    """Every item of a list, page by page."""
    after: str | None = None
    while True:
        page = call("GET", path if after is None else f"{path}?after={after}")
        yield from page["items"]
        after = page["next"]
        if after is None:
            return
