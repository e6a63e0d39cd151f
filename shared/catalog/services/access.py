"""Accounts, roles and the dated tree of units (机构), whose every change all services follow."""

from __future__ import annotations

from shared.catalog.model import ServiceEntry
from shared.catalog.protocol import UnitChanged

SERVICE_ENTRY = ServiceEntry(name="access", title="账号与机构", handles=False, events=(UnitChanged,))
