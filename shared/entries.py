"""Dated facts as data in YAML files; where they are lists of entries, a wrong one is told by file and place."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal, Protocol, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from shared.errors import Misconfigured

Entry = TypeVar("Entry", bound=BaseModel)

Confidence = Literal["核", "摘", "未核实"]
"""How sure we are of an entry: checked against its text, taken from an extract, or unverified."""


class Lasting(Protocol):
    """An entry with a first and, unless it is open, a last day."""

    @property
    def effective_from(self) -> date:
        """The first day on which it holds."""

    @property
    def effective_to(self) -> date | None:
        """The last one; None: until further notice."""


def holds_on(entry: Lasting, on: date) -> bool:
    """Whether an entry holds on that day, its first and its last day included."""
    return entry.effective_from <= on and (entry.effective_to is None or on <= entry.effective_to)


def read_yaml(path: Path) -> Any:
    """What a file holds, in plain types; `OSError` or `yaml.YAMLError` when it cannot be read."""
    # libyaml's parser: ten times the speed of the one in Python, which took half of a warm start.
    return yaml.load(path.read_text("utf-8"), yaml.CSafeLoader)


def read_entries(path: Path, model: type[Entry]) -> list[Entry]:
    """Every entry of a file; a wrong one is `Misconfigured`, naming file and entry."""
    try:
        rows = read_yaml(path) or []
    except (OSError, yaml.YAMLError) as cause:
        raise Misconfigured(str(path), "不是可读的 YAML", "not readable as YAML") from cause
    if not isinstance(rows, list):
        raise Misconfigured(str(path), "应为条目的列表", "must be a list of entries")
    return [_entry(path, n, row, model) for n, row in enumerate(rows)]


def _entry(path: Path, n: int, row: Any, model: type[Entry]) -> Entry:
    try:
        return model.model_validate(row)
    except ValidationError as cause:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in cause.errors())
        raise Misconfigured(f"{path} [{n}]", f"条目有误:{wrong}", f"wrong entry: {wrong}") from cause
