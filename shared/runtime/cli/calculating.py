"""`calc`: one rule worked out by hand, with its explanation."""

from __future__ import annotations

import inspect
import json
from collections.abc import Callable, ItemsView, Mapping
from datetime import date
from difflib import get_close_matches
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from shared.calendar import WorkingCalendar
from shared.catalog.registry import load
from shared.clock import beijing_date, parse_clock
from shared.config import load_settings
from shared.errors import Misconfigured
from shared.policy import Calculation, Policy, Rule
from shared.runtime.cli.screen import show
from shared.runtime.host import load_specs
from shared.runtime.local_days import local_days


def register(app: typer.Typer) -> None:
    """Adds this command."""
    app.command()(calc)


def calc(
    rule: Annotated[str, typer.Argument(help="service.matter.rule")] = "",
    inputs: Annotated[list[str] | None, typer.Argument(help="key=value …")] = None,
    as_of: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
    region: Annotated[str, typer.Option(help="区划 / region")] = "420112",
    as_json: Annotated[bool, typer.Option("--json")] = False,
    listing: Annotated[bool, typer.Option("--list", help="列出规则 / list the rules")] = False,
) -> None:
    """运行一条规则并说明 / run one rule; print its result and explanation."""
    rules = _rules()
    if listing or not rule:
        for name in sorted(rules):
            show(name)
        return
    if rule not in rules:
        near = ", ".join(get_close_matches(rule, rules, n=3)) or "calc --list"
        raise Misconfigured("calc", f"没有规则 {rule},见 {near}", f"no rule {rule}, see {near}")
    function, policy = rules[rule]
    given = _Inputs(_pairs(inputs or []))
    found = function(given, policy(), _day("--as-of", as_of), region)
    if unread := sorted(given.keys() - given.read):
        names, doc = ", ".join(unread), (inspect.getdoc(function) or "").partition("\n")[0]
        raise Misconfigured("calc", f"{rule} 不用 {names}:{doc}", f"{rule} does not use {names}: {doc}")
    _print(found, as_json=as_json)


def _rules() -> dict[str, tuple[Rule, Callable[[], Policy]]]:
    """Every rule by name, with the way to its figures."""
    found: dict[str, tuple[Rule, Callable[[], Policy]]] = {"shared.calendar.due": (due, Policy)}
    for spec in load_specs(load(load_settings().catalog_folders)):
        folder = spec.policy
        policy = (lambda folder=folder: Policy.load(folder)) if folder else Policy
        found |= {name: (rule, policy) for name, rule in spec.rules.items()}
    return found


def due(inputs: Mapping[str, str], policy: Policy, as_of: date, region: str) -> Calculation:
    """`n`, `unit` (working, calendar), `start` (else as-of): a limit's last day, the first day not counted."""
    number, unit, start = inputs.get("n", ""), inputs.get("unit", "working"), _day("start", inputs.get("start"), as_of)
    if not number.isdecimal():
        raise Misconfigured("n", "应为天数,如 n=20", "a number of days, as in n=20")
    if unit not in ("working", "calendar"):
        raise Misconfigured("unit", "应为 working 或 calendar", "working or calendar")
    calendar = WorkingCalendar.load(local_days(load_settings()))
    found = calendar.due(start, int(number), "working" if unit == "working" else "calendar", roll=unit == "calendar")
    days = "个工作日" if unit == "working" else "日"
    lines = [f"自 {start} 次日起 {number} {days},至 {found.date} / {number} {unit} days after {start} end {found.date}"]
    if found.provisional:
        lines.append("该年放假安排未公布,日期为暂定 / holidays of that year are not published: provisional")
    value = {"date": found.date.isoformat(), "provisional": found.provisional}
    law = ("《民法典》第二百零一条、第二百零三条",)
    return Calculation("shared.calendar.due", value, lines, dict(inputs), law, calendar.version)


class _Inputs(dict[str, str]):
    """What was given, remembering what a rule has read: a misspelt name must not pass for a figure."""

    def __init__(self, given: Mapping[str, str]) -> None:
        super().__init__(given)
        self.read: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.read.add(name)
        return super().__getitem__(name)

    def __contains__(self, name: object) -> bool:
        self.read.add(str(name))
        return super().__contains__(name)

    def get(self, name: str, default: Any = None) -> Any:
        """As of any mapping."""
        self.read.add(name)
        return super().get(name, default)

    def items(self) -> ItemsView[str, str]:  # type: ignore[override]
        """As of any mapping; a rule that takes all names has read them all."""
        self.read |= set(self)
        return super().items()


def _pairs(inputs: list[str]) -> dict[str, str]:
    wrong = [text for text in inputs if "=" not in text]
    if wrong:
        raise Misconfigured("calc", f"应为 key=value:{wrong[0]}", f"expected key=value: {wrong[0]}")
    return dict(text.split("=", 1) for text in inputs)


def _day(name: str, text: str | None, otherwise: date | None = None) -> date:
    """The day that was given, else the other, else today."""
    if not text:
        return otherwise or beijing_date(parse_clock("system").now())
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Misconfigured(name, "日期形如 2026-11-21", "a date like 2026-11-21") from None


def _print(found: Calculation, *, as_json: bool) -> None:
    plain = json.loads(orjson.dumps(found, default=str))
    if as_json:
        print(json.dumps(plain, ensure_ascii=False, indent=2))  # noqa: T201 — what was asked for
        return
    table = Table(show_header=False)
    for name, value in plain.items():
        lines = value if isinstance(value, list) else [value]
        table.add_row(name, "\n".join(map(str, lines)))
    show(table)
