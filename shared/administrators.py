"""Three administrators, three people: the operator runs it, security hands out accounts, the auditor reads what was done.

None of them can do another's part: who runs it cannot read or change the record of what they did, who hands out roles
takes none, and who audits changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

ADMINISTRATORS: Final = frozenset({"operator", "security", "auditor"})
"""系统管理员、安全保密管理员、安全审计员."""

READS: Final = frozenset({"GET", "HEAD"})


def together(roles: Iterable[str]) -> frozenset[str]:
    """Those of an account's roles that nobody may hold together; nothing when that is fine."""
    held = ADMINISTRATORS.intersection(roles)
    return held if len(held) > 1 else frozenset()


def duty(method: str, path: str) -> frozenset[str] | None:
    """Which administrators may be let in to a route of operations or accounts; None for any other route."""
    if path.startswith("/api/ops"):
        if "/audit/" in path:
            return frozenset({"auditor"})
        return frozenset({"operator", "auditor"}) if method in READS else frozenset({"operator"})
    if path.startswith("/api/access"):
        return frozenset({"security", "auditor"}) if method in READS else frozenset({"security"})
    return None
