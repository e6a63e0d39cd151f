"""The command line's own client of a running platform: `ONEWINDOW_URL`, `ONEWINDOW_TOKEN`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from shared.config import PREFIX, load_settings
from shared.errors import Misconfigured, Transient

DEMO_PASSWORD = "onewindow-demo"  # noqa: S105 — the public password of the demonstration


def base_url() -> str:
    """Where the platform answers: `ONEWINDOW_URL`, else loopback and the configured port."""
    settings = load_settings()
    return os.environ.get(f"{PREFIX}URL") or f"http://{settings.host}:{settings.port}"


def token(client: httpx.Client, account: str = "operator") -> str:
    """`ONEWINDOW_TOKEN`, else that of a demonstration account."""
    given = os.environ.get(f"{PREFIX}TOKEN")
    if given:
        return given
    form = {"grant_type": "password", "username": account, "password": DEMO_PASSWORD}
    answer = client.post("/api/auth/token", data=form)
    if answer.status_code != httpx.codes.OK:
        raise Misconfigured(f"{PREFIX}TOKEN", f"需要 {account} 的令牌", f"a token of {account} is needed")
    found: str = answer.json()["access_token"]
    return found


def call(method: str, path: str, body: Any = None, account: str = "operator") -> dict[str, Any]:
    """One call as an account; a problem document becomes a sentence, and one a wrong field."""
    with _answering() as client:
        return _told(path, client.request(method, path, json=body, headers=_signed_in(client, account)))


def lines(method: str, path: str, body: Any = None, account: str = "operator") -> Iterator[str]:
    """The lines of one long answer, as they come; a refusal is the same as `call`'s."""
    with (
        _answering() as client,
        client.stream(method, path, json=body, headers=_signed_in(client, account), timeout=600) as answer,
    ):
        if answer.is_error:
            answer.read()
            _told(path, answer)
        yield from answer.iter_lines()


@contextmanager
def _answering() -> Iterator[httpx.Client]:
    try:
        with httpx.Client(base_url=base_url(), timeout=10) as client:
            yield client
    except httpx.TransportError as cause:
        raise Transient(f"{base_url()} 没有应答", f"{base_url()} does not answer") from cause


def _signed_in(client: httpx.Client, account: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token(client, account)}"}


def _told(path: str, answer: httpx.Response) -> dict[str, Any]:
    try:
        found: dict[str, Any] = answer.json()
    except ValueError as cause:  # a gateway whose service is away answers a page of its own
        said = f"{path}: HTTP {answer.status_code}"
        raise Transient(f"{said},不是平台的应答", f"{said}, and no answer of the platform") from cause
    if answer.is_error:
        raise _refused(answer.status_code, found)
    return found


def _refused(status: int, problem: dict[str, Any]) -> Misconfigured:
    """What was refused, by its code (a token that does not hold by its setting); below it each wrong field."""
    zh, _, en = str(problem.get("detail", "")).partition(" / ")
    code = f"{PREFIX}TOKEN" if status == httpx.codes.UNAUTHORIZED else str(problem.get("code", ""))
    wrong = [f"{e.get('pointer', '').removeprefix('/')}: {e.get('message', '')}" for e in problem.get("errors") or ()]
    return Misconfigured(code, zh, "\n  ".join([en or zh, *wrong]))


def pages(path: str, account: str = "operator") -> Iterator[dict[str, Any]]:
    """Every item of a list, page by page."""
    after: str | None = None
    while True:
        page = call("GET", path if after is None else f"{path}?after={after}", account=account)
        yield from page["items"]
        after = page["next"]
        if after is None:
            return
