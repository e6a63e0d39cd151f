"""Accounts, roles and the dated tree of units (机构): every change of a unit, and every session ended, is told to all."""

from __future__ import annotations

from shared.catalog.model import ServiceEntry
from shared.catalog.protocol import SessionsEnded, UnitChanged

SERVICE_ENTRY = ServiceEntry(name="access", title="账号与机构", handles=False, events=(UnitChanged, SessionsEnded))
