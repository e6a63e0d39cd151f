"""Dated facts in YAML files of the catalogue: each entry with its source, and how sure we are of it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from shared.errors import Misconfigured


class Dated(BaseModel):
    """An entry in force from `effective_from` to `effective_to`, both days included, by which law."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    law: str
    article: str = ""
    effective_from: date
    effective_to: date | None = None
    confidence: Literal["核", "摘", "未核实"]
    source: str

    def holds(self, on: date | None) -> bool:
        """Whether it is in force on that day; of no day in particular: whether it ever is."""
        return on is None or (self.effective_from <= on and (self.effective_to is None or on <= self.effective_to))

    def cite(self) -> str:
        """The law as it stands in a paper, saying so where nobody has checked it."""
        return f"《{self.law}》{self.article}" + ("" if self.confidence == "核" else f"【{self.confidence}】")


Entry = TypeVar("Entry", bound=Dated)


def read(path: Path, model: type[Entry]) -> tuple[Entry, ...]:
    """Every entry of a file; a wrong one is `Misconfigured`, naming file and entry."""
    try:
        rows = yaml.safe_load(path.read_text("utf-8")) or []
    except (OSError, yaml.YAMLError) as cause:
        raise Misconfigured(str(path), "不是可读的 YAML", "not readable as YAML") from cause
    if not isinstance(rows, list):
        raise Misconfigured(str(path), "应为条目的列表", "must be a list of entries")
    return tuple(_entry(path, n, row, model) for n, row in enumerate(rows))


def _entry(path: Path, n: int, row: Any, model: type[Entry]) -> Entry:
    try:
        return model.model_validate(row)
    except ValidationError as cause:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in cause.errors())
        raise Misconfigured(f"{path} [{n}]", f"条目有误:{wrong}", f"wrong entry: {wrong}") from cause
