"""`parked` and `bus`: operations by an operator's token, through `/api/ops`, service by service."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.table import Table

from shared.errors import OneWindowError
from shared.runtime.cli.client import call, pages
from shared.runtime.cli.screen import OfService, show

parked = typer.Typer(help="停放的事件 / messages that stand aside", no_args_is_help=True)
bus = typer.Typer(help="总线 / the event bus", no_args_is_help=True)
Parked = Annotated[int, typer.Argument(help="序号,见 parked list 的 no / its number, the `no` of parked list")]
Why = Annotated[str, typer.Option("--reason", help="为什么(至少 4 个字)/ why, in at least 4 characters")]


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(parked, name="parked")
    app.add_typer(bus, name="bus")


@parked.command("list")
def list_parked() -> None:
    """列出 / list them, of every service."""
    _of_every_service("parked", {"no": "seq", "type": "type", "key": "key", "reason": "reason", "since": "parked_at"})


@parked.command("show")
def show_parked(service: OfService, number: Parked) -> None:
    """一条的全部情况(不含内容)/ all of one, never its content."""
    table = Table(show_header=False)
    for name, value in call("GET", f"/api/ops/{service}/parked/{number}").items():
        table.add_row(name, str(value))
    show(table)


@parked.command("retry")
def retry_parked(service: OfService, number: Parked) -> None:
    """重试 / take it and everything behind it of its key up again."""
    _said(call("POST", f"/api/ops/{service}/parked/{number}/retry"))


@parked.command("discard")
def discard_parked(service: OfService, number: Parked, reason: Why) -> None:
    """丢弃(需第二人)/ discard it: two people, each with a reason."""
    _said(call("POST", f"/api/ops/{service}/parked/{number}/discard", {"reason": reason}))


@bus.command("lag")
def lag() -> None:
    """各服务尚未处理的事件数 / records not yet handled, by group and topic."""
    names = ("topic", "partition", "position", "end")
    _of_every_service("lag", {**{name: name for name in names}, "lag": "records"})


@bus.command("dead")
def dead() -> None:
    """无法识别的记录:来处与原因,不含内容 / records that are no event: where from and why, never their content."""
    names = ("topic", "partition", "offset", "bytes", "reason", "at")
    _of_every_service("dead", {"no": "number", **{name: name for name in names}})


@bus.command("refused")
def refused() -> None:
    """总线拒收而停下的消息:去处、大小与原因 / messages that the bus did not take: where to, how large and why."""
    names = ("topic", "partition", "key", "type", "bytes", "reason", "since")
    _of_every_service("refused", {"no": "number", **{name: name for name in names}})


@bus.command("resets")
def resets() -> None:
    """位置重置的提议与结果 / resets that were asked for, and what became of them."""
    names = ("topic", "partition", "target", "state", "from", "to", "proposed_by", "reason", "second_by")
    _of_every_service("positions/resets", {"no": "number", **{name: name for name in names}})


@bus.command("seen")
def seen(
    service: OfService,
    number: Annotated[int, typer.Argument(help="序号,见 bus resets 的 no / its number, the `no` of bus resets")],
    reason: Why,
) -> None:
    """丢失的事件已有人处理 / somebody has looked after the cases of which records were lost."""
    _said(call("POST", f"/api/ops/{service}/positions/resets/{number}/seen", {"reason": reason}))


@bus.command("reset")
def reset(
    service: OfService,
    topic: Annotated[str, typer.Option(help="主题 / the topic")],
    partition: Annotated[int, typer.Option(help="分区 / the partition")],
    to: Annotated[str, typer.Option(help="beginning、end 或偏移量 / beginning, end or an offset")],
    reason: Why,
    skip: Annotated[bool, typer.Option(help="允许跳过未处理的事件 / records may be passed over")] = False,
) -> None:
    """重置读取位置(需第二人)/ put a service's position back or forward: two people, each with a reason."""
    body = {"topic": topic, "partition": partition, "to": to, "skip": skip, "reason": reason}
    answer = call("POST", f"/api/ops/{service}/positions/reset", body)
    moved = f": {answer['from']} → {answer['to']}" if answer["to"] is not None else ""
    show(f"{answer['state']}{moved}")


def _of_every_service(what: str, columns: dict[str, str]) -> None:
    """A table over all services; one that does not answer is a row that says so, and the exit code is 1."""
    table, silent = Table("service", *columns), False
    for service in call("GET", "/api/ops")["items"]:
        name = service["service"]
        try:
            rows = [[str(row[field]) for field in columns.values()] for row in pages(f"/api/ops/{name}/{what}")]
        except OneWindowError as cause:
            silent = True
            rows = [[f"没有应答 / does not answer: {cause.detail_en}"]]
        for row in rows:
            table.add_row(name, *row)
    show(table)
    if silent:
        raise typer.Exit(1)


def _said(answer: dict[str, Any]) -> None:
    show(answer["state"])
