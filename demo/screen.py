"""The handling of one application as it happens: a table that changes in a terminal, one line a change in a pipe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.live import Live
from rich.table import Table

from demo.words import CASE, ITEM, OUTCOME, both, waiting
from shared.clock import monotonic

WIDTH = 80
_COLOURS = {"approved": "green", "not_applicable": "green", "denied": "red", "terminated": "red", "waiting": "yellow"}


class Screen:
    """What is told to whoever watches; `matters` are the names of matters by code."""

    def __init__(self, console: Console | None = None, matters: Mapping[str, str] | None = None) -> None:
        self.console = console or Console(highlight=False)
        self.matters = matters or {}
        self._live: Live | None = None
        self._seen: dict[str, str] = {}
        self._began = monotonic()

    def say(self, zh: str, en: str = "") -> None:
        """A sentence in both languages."""
        self.console.print(zh, markup=False, soft_wrap=True)
        if en:
            self.console.print(en, markup=False, style="dim", soft_wrap=True)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, `show` redraws the same table (in a terminal)."""
        self._seen, self._began = {}, monotonic()
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, auto_refresh=False) as self._live:
            yield
        self._live = None

    def show(self, application: Mapping[str, Any]) -> None:
        """The application as it is now."""
        if self._live is not None:
            self._live.update(self.table(application), refresh=True)
            return
        for line in self._changes(application):
            self.console.print(f"{monotonic() - self._began:6.2f}s  {line}", markup=False, soft_wrap=True)

    def table(self, application: Mapping[str, Any]) -> Table:
        """The items, their states, whom they wait for."""
        table = Table(title=f"{application['application_no']}  {status(application)}", width=min(WIDTH, self.width))
        table.add_column("事项 Matter", ratio=5, overflow="fold")
        table.add_column("状态 State", ratio=5, overflow="fold")
        table.add_column("在等谁 Waits for", ratio=6, overflow="fold")
        for item in self.items(application):
            colour = _COLOURS.get(item["status"], "")
            table.add_row(self.name(item["matter"]), state(item), waiting(item, self.matters), style=colour)
        return table

    @property
    def width(self) -> int:
        """Columns there are."""
        return self.console.width

    def items(self, application: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """An application's items, in the order in which the catalogue names their matters."""
        order = list(self.matters)
        return sorted(application["items"], key=lambda i: order.index(i["matter"]) if i["matter"] in order else 0)

    def name(self, code: str) -> str:
        """A matter's name."""
        return self.matters.get(code, code)

    def _changes(self, application: Mapping[str, Any]) -> Iterator[str]:
        for item in self.items(application):
            waits = waiting(item, self.matters)
            line = f"{self.name(item['matter'])}: {state(item)}{f' — 在等 waits for: {waits}' if waits else ''}"
            if self._seen.get(item["id"]) != line:
                self._seen[item["id"]] = line
                yield line
        line = f"整件 the whole: {status(application)}"
        if self._seen.get("") != line:
            self._seen[""] = line
            yield line


def state(item: Mapping[str, Any]) -> str:
    """An item's status in both languages, with the procedure's own stage where it has one."""
    said = both(ITEM.get(item["status"], (item["status"], "")))
    stage = item.get("stage_name") if item.get("stage") else ""
    return f"{said}({stage})" if stage else said


def status(application: Mapping[str, Any]) -> str:
    """The application's status, with its outcome when it is closed."""
    said = both(CASE.get(application["status"], (application["status"], "")))
    if application["status"] != "closed":
        return said
    return f"{said} · {both(OUTCOME.get(application['outcome'], OUTCOME[None]))}"
