"""`parked` and `bus`: operations by an operator's token, through `/api/ops`."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from shared.errors import Misconfigured
from shared.runtime.cli.client import call
from shared.runtime.cli.screen import show

parked = typer.Typer(help="停放的事件 / messages that stand aside", no_args_is_help=True)
bus = typer.Typer(help="总线 / the event bus", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(parked, name="parked")
    app.add_typer(bus, name="bus")


@parked.command("list")
def list_parked() -> None:
    """列出 / list them, of every service."""
    table = Table("service", "no", "type", "key", "reason", "since")
    for row in call("GET", "/api/ops/parked")["items"]:
        table.add_row(row["service"], str(row["seq"]), row["type"], row["key"], row["reason"], row["parked_at"])
    show(table)


@parked.command("show")
def show_parked(service: str, number: int) -> None:
    """一条的全部情况(不含内容)/ all of one, never its content."""
    rows = [r for r in call("GET", "/api/ops/parked")["items"] if (r["service"], r["seq"]) == (service, number)]
    if not rows:
        raise Misconfigured("parked", f"{service} 没有停放第 {number} 条", f"{service} has no parked message {number}")
    table = Table(show_header=False)
    for name, value in rows[0].items():
        table.add_row(name, str(value))
    show(table)


@parked.command("retry")
def retry_parked(service: str, number: int) -> None:
    """重试 / take it and everything behind it of its key up again."""
    _said(call("POST", f"/api/ops/parked/{service}/{number}/retry"))


@parked.command("discard")
def discard_parked(service: str, number: int, reason: Annotated[str, typer.Option(help="为什么 / why")]) -> None:
    """丢弃(需第二人)/ discard it: two people, each with a reason."""
    _said(call("POST", f"/api/ops/parked/{service}/{number}/discard", {"reason": reason}))


@bus.command("lag")
def lag() -> None:
    """各服务尚未处理的事件数 / records not yet handled, by group and topic."""
    table = Table("group", "topic", "partition", "position", "end", "lag")
    for row in call("GET", "/api/ops/lag")["items"]:
        table.add_row(*(str(row[k]) for k in ("group", "topic", "partition", "position", "end", "records")))
    show(table)


def _said(answer: dict[str, Any]) -> None:
    show(answer.get("state", "ok"))
