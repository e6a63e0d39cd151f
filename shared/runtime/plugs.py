"""Adapters of an installation's own, named by a setting: `module:name`, called once with the settings."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from shared.errors import Misconfigured

if TYPE_CHECKING:
    from shared.config import Settings


def plugged(setting: str, where: str, settings: Settings) -> Any:
    """What the named callable makes of the settings; `Misconfigured`, naming the setting, when there is none."""
    module, _, name = where.partition(":")
    try:
        made = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as cause:
        raise Misconfigured(
            setting, f"找不到 {where!r},应为 module:name", f"there is no {where!r}; it must be module:name"
        ) from cause
    return made(settings)
