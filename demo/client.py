"""The demonstration's client: plain HTTP as anybody may speak it, signed in as a demonstration account."""

from __future__ import annotations

from datetime import date, datetime
from types import TracebackType
from typing import Any, Self

import httpx

from demo.people import DEMO_PASSWORD
from shared.clock import SystemClock, beijing_date, new_id
from shared.errors import OneWindowError, Transient


class Problem(OneWindowError):
    """The platform refused: its problem document, as a sentence with one line a wrong field."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        self.status, self.document = status, document
        title = str(document.get("title", status))
        lines = [f"{e.get('pointer', '')}: {e.get('message', '')}" for e in document.get("errors") or ()]
        detail = "\n  ".join([f"{title} — {document.get('detail', '')}", *lines])
        super().__init__(detail, detail, code=str(document.get("code", status)))


class Client:
    """Calls one platform; each account signs in once; a token that is given stands for the clerk's."""

    def __init__(self, url: str, token: str | None = None) -> None:
        self.url = url.rstrip("/")
        # A proxy of the environment never stands between this program and the platform beside it.
        self._http = httpx.Client(base_url=self.url, timeout=15, trust_env=False)
        self._tokens: dict[str, str] = {"clerk": token} if token else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._http.close()

    def alive(self) -> bool:
        """Whether a platform is ready at this address."""
        try:
            return self._http.get("/readyz", timeout=3).status_code == httpx.codes.OK
        except httpx.TransportError:
            return False

    def today(self) -> date:
        """The platform's Beijing date; this machine's where the platform does not tell."""
        try:
            return beijing_date(datetime.fromisoformat(self.get("/api/dev/clock", "clerk")["now"]))
        except Problem:
            return beijing_date(SystemClock().now())

    def get(self, path: str, account: str | None = None, **params: Any) -> Any:
        """The answer; `Problem` when it is refused, `Transient` when nobody answers."""
        return self._call("GET", path, account, params=params)

    def post(self, path: str, account: str, body: Any) -> Any:
        """The same with a body, under a fresh `Idempotency-Key`."""
        return self._call("POST", path, account, json=body, headers={"Idempotency-Key": str(new_id())})

    def _call(self, method: str, path: str, account: str | None, **request: Any) -> Any:
        headers = dict(request.pop("headers", {}))
        if account is not None:
            headers["Authorization"] = f"Bearer {self._token(account)}"
        return self._send(method, path, headers=headers, **request)

    def _token(self, account: str) -> str:
        if account not in self._tokens:
            form = {"grant_type": "password", "username": account, "password": DEMO_PASSWORD}
            self._tokens[account] = self._send("POST", "/api/auth/token", data=form)["access_token"]
        return self._tokens[account]

    def _send(self, method: str, path: str, **request: Any) -> Any:
        try:
            answer = self._http.request(method, path, **request)
        except httpx.TransportError as cause:
            raise Transient(f"{self.url} 没有应答", f"{self.url} does not answer") from cause
        if answer.is_success:
            return answer.json() if answer.content else None
        raise Problem(answer.status_code, _document(answer))


def _document(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"title": answer.reason_phrase, "detail": answer.text[:200]}
