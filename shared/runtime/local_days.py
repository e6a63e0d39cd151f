"""The local days (本地覆盖表) that the settings name: read once at the start, wrong ones stop it by the setting's name."""

from __future__ import annotations

from datetime import date

from shared.calendar import read_overrides
from shared.config import PREFIX, Settings


def local_days(settings: Settings) -> dict[date, bool]:
    """Of single days whether they are worked here; `Misconfigured` for a file that does not say so."""
    return read_overrides(settings.calendar, f"{PREFIX}CALENDAR") if settings.calendar is not None else {}
