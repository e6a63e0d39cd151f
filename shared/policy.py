"""Rule parameters as data: dated, regional figures with their source and how sure we are of them.

A service keeps lists of entries in `policy/*.yaml`; rules ask for the one in force where and when they decide.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Self

from pydantic import BaseModel, ConfigDict, field_validator, model_validator

from shared.clock import beijing_date
from shared.entries import Confidence, holds_on, read_entries
from shared.errors import Misconfigured
from shared.regions import is_region, region_level

NATION: Final = "000000"
"""The region of a figure that holds for the whole country."""

_ENDS: Final = (2, 4, 6, 9, 12)


class PolicyMissing(Misconfigured):
    """No figure is in force for a rule, region and date: the catcher pauses and names the policy file to fill."""

    code = "POLICY_MISSING"


class PolicyEntry(BaseModel):
    """One figure: in force from `effective_from` to `effective_to` (both days included), in a region and below it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    rule: str
    region: str
    effective_from: date
    effective_to: date | None = None
    confidence: Confidence
    source: str
    value: Any

    @field_validator("region", mode="before")
    @classmethod
    def _region_is_a_code(cls, value: object) -> str:
        code = str(value)
        if code != NATION and not is_region(code):
            raise ValueError(
                f"应为6位或12位区划代码(加引号),全国为 {NATION} / a quoted division code, {NATION} for all"
            )
        return code

    @field_validator("confidence", mode="before")
    @classmethod
    def _without_brackets(cls, value: object) -> str:
        return str(value).strip("【】")

    @field_validator("rule", "source")
    @classmethod
    def _is_said(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("不能为空 / must not be empty")
        return value

    @model_validator(mode="after")
    def _ends_after_it_starts(self) -> Self:
        if self.effective_to is not None and self.effective_to < self.effective_from:
            raise ValueError("effective_to 早于 effective_from / ends before it starts")
        return self

    @cached_property
    def prefix(self) -> str:
        """What the code of every place begins with where this holds."""
        return "" if self.region == NATION else self.region[: _ENDS[region_level(self.region) - 1]]

    def cite(self) -> str:
        """Its source with how sure we are of it, as an explanation names it."""
        return f"{self.source}【{self.confidence}】"

    def holds(self, region: str, on: date) -> bool:
        """Whether it is in force there on that day."""
        return holds_on(self, on) and region.startswith(self.prefix)


class Policy:
    """The figures of one service; a value, safe to share."""

    def __init__(self, entries: Iterable[PolicyEntry] = (), where: str = "policy") -> None:
        self._where = where
        self._rules: dict[str, list[PolicyEntry]] = {}
        for entry in entries:
            self._rules.setdefault(entry.rule, []).append(entry)
        _no_two_at_once(self._rules, where)
        self.version = _version(self._rules)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Every `*.yaml` of a folder, each a list of entries; a wrong one is `Misconfigured`, naming file and entry."""
        if not folder.is_dir():
            raise Misconfigured("policy", f"没有这个文件夹:{folder}", f"no such folder: {folder}")
        return cls(
            [e for path in sorted(folder.glob("*.yaml")) for e in read_entries(path, PolicyEntry)], where=str(folder)
        )

    @property
    def rules(self) -> list[str]:
        """The names of all rules that have a figure."""
        return sorted(self._rules)

    def find(self, rule: str, region: str, on: date) -> PolicyEntry:
        """The entry in force: the longest region wins, then the latest start; none at all is `PolicyMissing`."""
        day = beijing_date(on) if isinstance(on, datetime) else on
        found = [e for e in self._rules.get(rule, ()) if e.holds(region, day)]
        if not found:
            raise PolicyMissing(
                rule,
                f"{region} 在 {day} 没有这项规则参数,请在 {self._where} 补一条",
                f"no figure for {region} on {day}: add an entry in {self._where}",
            )
        return max(found, key=lambda e: (len(e.prefix), e.effective_from))


@dataclass(frozen=True, slots=True)
class Calculation:
    """What a rule worked out and why: lines in Chinese and English, its inputs, the law, the policy's version."""

    rule: str
    value: Any
    explanation: list[str]
    inputs: Mapping[str, Any] = field(default_factory=dict)
    law: Sequence[str] = ()
    policy_version: str = ""


Rule = Callable[[Mapping[str, str], Policy, date, str], Calculation]
"""`(inputs, policy, as_of, region)`: a rule that can be worked out by hand, by name and by texts."""


def _no_two_at_once(rules: Mapping[str, list[PolicyEntry]], where: str) -> None:
    for rule, entries in rules.items():
        keys = [(e.prefix, e.effective_from) for e in entries]
        for prefix, start in keys:
            if keys.count((prefix, start)) > 1:
                raise Misconfigured(
                    where,
                    f"{rule} 在 {prefix or NATION} 自 {start} 起有两条",
                    f"{rule} has two entries for {prefix or NATION} from {start}",
                )


def _version(rules: Mapping[str, list[PolicyEntry]]) -> str:
    lines = sorted(e.model_dump_json() for entries in rules.values() for e in entries)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()[:12]
