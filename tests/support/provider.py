"""A real OIDC provider of this machine, signing people in as a browser would."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
from oidc_provider_mock import run_server_in_thread

CLIENT = "onewindow-window"
BACK = "http://localhost/back"


@dataclass(frozen=True)
class Provider:
    """The provider at work."""

    issuer: str

    def token(self, subject: str, **claims: Any) -> str:
        """The token that the provider gives whoever signs in there as this subject."""
        with httpx.Client(base_url=self.issuer, trust_env=False) as http:
            http.put(f"/users/{subject}", json=claims).raise_for_status()
            query = {"client_id": CLIENT, "redirect_uri": BACK, "response_type": "code", "scope": "openid profile"}
            sent = http.post("/oauth2/authorize", params=query, data={"sub": subject})
            code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
            form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
            answer = http.post("/oauth2/token", data=form, auth=(CLIENT, "secret"))
            found: str = answer.raise_for_status().json()["id_token"]
            return found


@contextmanager
def provider() -> Iterator[Provider]:
    """The provider, until the end."""
    with run_server_in_thread() as server:
        yield Provider(f"http://localhost:{server.server_port}")
