"""The main job's form and parties, and small made-up catalogues, for tests of the catalogue."""

from __future__ import annotations

import json
import re
from copy import deepcopy
from datetime import date
from pathlib import Path
from typing import Any

from shared.catalog.model import After, Bundle, FormField, LawRef, Matter, ServiceEntry
from shared.catalog.registry import Catalog
from shared.outcomes import Nature

TODAY = date(2026, 11, 21)

_CONTRACT = Path(__file__).parents[2] / "docs/design/contract.md"


def _printed() -> dict[str, Any]:
    """The application that the contract prints: the one block of JSON that names a bundle first."""
    (found,) = re.findall(r"```json\n(\{\"bundle\".*?)```", _CONTRACT.read_text("utf-8"), re.DOTALL)
    read: dict[str, Any] = json.loads(found)
    return read


SAMPLE: dict[str, Any] = _printed()
"""The main job's input, read where it is printed: no second copy can differ from the contract."""


def sample(**changes: Any) -> dict[str, Any]:
    """A copy of the main job's input with some top-level members replaced."""
    return {**deepcopy(SAMPLE), **changes}


def sample_form(**changes: Any) -> dict[str, Any]:
    """A copy of its form with some fields replaced; a field set to None is left out."""
    return {k: v for k, v in {**deepcopy(SAMPLE["form"]), **changes}.items() if v is not None}


def made_up_matter(code: str, **changes: Any) -> Matter:
    """A matter with everything that the checks ask for."""
    base: dict[str, Any] = {
        "code": code,
        "name": code,
        "official_name": code,
        "nature": Nature.ON_APPLICATION,
        "law": (LawRef("示例办法"),),
    }
    return Matter(**{**base, **changes})


def made_up_catalog(*matters: Matter, fields: tuple[FormField, ...] = (), bundles: tuple[Bundle, ...] = ()) -> Catalog:
    """A catalogue of one service, `svc`, with these matters."""
    return Catalog({"svc": ServiceEntry("svc", "示例", matters=matters, fields=fields, bundles=bundles)})


def after(*codes: str, hard: bool = True) -> tuple[After, ...]:
    """Prerequisites."""
    return tuple(After(code, hard=hard) for code in codes)
