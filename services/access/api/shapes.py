"""The shapes of what signing in answers."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import UUID

from pydantic import ConfigDict, Field

from shared.http.documented import Shown


class TokenShown(Shown):
    """A bearer token (RFC 6749, 5.1); `expires_in` seconds."""

    access_token: str
    token_type: str
    expires_in: int
    scope: str


class EndedShown(Shown):
    """How many sessions ended."""

    ended: int


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


class UnitFactsShown(Shown):
    """A unit (机构); `attributes` are shown to staff alone, `version` after a change."""

    code: str
    kind: str
    name: str
    region: str
    parent: str | None
    valid_from: date
    valid_to: date | None


class UnitShown(UnitFactsShown):
    """A unit as it was changed."""

    attributes: dict[str, Any]
    version: int


class UnitListed(UnitFactsShown):
    """A unit in the list."""

    model_config = ConfigDict(json_schema_serialization_defaults_required=False)

    attributes: dict[str, Any] = Field(default_factory=dict, description="仅工作人员可见 / told to staff alone")


class UnitPage(Shown):
    """A page of units."""

    items: list[UnitListed]
    next: str | None


class ClosedShown(Shown):
    """An account that was disabled; `ended` sessions."""

    id: UUID
    account: str
    disabled_at: datetime
    ended: int


class AssignmentShown(Shown):
    """A role between two days, by one's own right or as a stand-in."""

    role: str
    unit: str | None
    valid_from: date | None
    valid_to: date | None
    stand_in_for: str | None


class AssignmentsShown(Shown):
    """All that an account was ever given."""

    id: UUID
    account: str
    roles: list[AssignmentShown]


class LinkedShown(Shown):
    """The account that the issuer's subject signs in as from now on."""

    id: UUID
    account: str


class AccountShown(AssignmentsShown):
    """An account as a security officer sees it."""

    name: str
    kind: str
    disabled_at: datetime | None


class AccountPage(Shown):
    """A page of accounts."""

    items: list[AccountShown]
    next: str | None
