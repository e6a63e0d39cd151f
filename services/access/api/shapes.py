"""The shapes of what signing in answers."""

from __future__ import annotations

from typing import Any

from shared.http.documented import Shown


class TokenShown(Shown):
    """A bearer token (RFC 6749, 5.1); `expires_in` seconds."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class KeysShown(Shown):
    """A JSON Web Key Set (RFC 7517)."""

    keys: list[dict[str, Any]]


class RoleShown(Shown):
    """A role held in a unit, for a region."""

    role: str
    unit: str | None
    region: str | None


class MeShown(Shown):
    """Who I am, as my token says."""

    account: str
    name: str
    kind: str
    roles: list[RoleShown]
    scopes: list[str]
