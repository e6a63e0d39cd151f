"""`audit`: verifying, heads to keep outside, exports; by an auditor's token, through `/api/ops`, service by service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table

from shared.errors import Misconfigured, OneWindowError
from shared.runtime.cli.client import call, lines, pages
from shared.runtime.cli.screen import OfService, show

ACCOUNT = "auditor"
NO_HEAD = "NO_HEAD"
NEWEST = 3000
"""Heads handed in a service: one on the chain fixes everything before it."""

audit = typer.Typer(help="审计 / the audit", no_args_is_help=True)
Service = Annotated[str, typer.Option("--service", help="只看这个服务 / this service alone")]
Why = Annotated[str, typer.Option("--reason", help="为什么 / why")]


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(audit, name="audit")


@audit.command("verify")
def verify(
    service: Service = "",
    head: Annotated[
        Path | None, typer.Option(help="外存链头的文件,一行一个 / a file of heads kept outside, one a line")
    ] = None,
) -> None:
    """核验审计链;有问题则退出码为 1 / verify the audit chains; exit code 1 when anything is wrong."""
    known = _kept(head)
    names = [service] if service else _services()
    wrong = sum(_verified(name, [h for h in known if h["service"] == name][-NEWEST:]) for name in names)
    unknown = {h["service"] for h in known} - set(names)
    if not service and unknown:
        wrong += 1
        show(f"✗ 链头属于没有的服务 / heads of services that are not here: {', '.join(sorted(unknown))}")
    if wrong:
        raise typer.Exit(1)


@audit.command("head")
def head(service: Service = "") -> None:
    """打印最新链头(存到平台之外)/ print the newest heads, one a line, to be kept outside."""
    for name in [service] if service else _services():
        try:
            newest = call("GET", f"/api/ops/{name}/audit/head", account=ACCOUNT)
        except Misconfigured as cause:
            if service or cause.setting != NO_HEAD:
                raise
            typer.echo(
                f"· {name}: 还没有签过链头 / no head was signed yet", err=True
            )  # as long as nothing happened there
        else:
            typer.echo(orjson.dumps(newest).decode())


@audit.command("exports")
def exports(service: OfService) -> None:
    """列出导出 / list the exports of a service."""
    names = ("number", "first", "last", "state", "proposed_by", "reason", "second_by", "second_reason")
    table = Table(*names)
    for row in pages(f"/api/ops/{service}/audit/exports", ACCOUNT):
        table.add_row(*(str(row[name]) for name in names))
    show(table)


@audit.command("export")
def export(
    service: OfService,
    reason: Why,
    first: Annotated[int, typer.Option(help="首行 / first row")] = 1,
    last: Annotated[int, typer.Option(help="末行 / last row")] = 2**63 - 1,
    agree: Annotated[int, typer.Option(help="同意第几次导出 / agree to this export")] = 0,
) -> None:
    """导出审计行(需第二人同意)/ export audit rows: one auditor proposes, another one agrees."""
    path, body = f"/api/ops/{service}/audit/exports", {"reason": reason}
    told = (
        call("POST", f"{path}/{agree}/agree", body, ACCOUNT)
        if agree
        else call("POST", path, {**body, "first": first, "last": last}, ACCOUNT)
    )
    show(f"{told['number']}: {told['state']}")


@audit.command("fetch")
def fetch(
    service: OfService, number: Annotated[int, typer.Argument(help="第几次导出,见 audit exports / which export")]
) -> None:
    """取走已同意的导出(JSON 行)/ print the rows of an export that was agreed to, as JSON lines."""
    for line in lines("GET", f"/api/ops/{service}/audit/exports/{number}/rows", account=ACCOUNT):
        typer.echo(line)


def _services() -> list[str]:
    return [row["service"] for row in call("GET", "/api/ops", account=ACCOUNT)["items"]]


def _kept(path: Path | None) -> list[dict[str, Any]]:
    """The heads in a file, one JSON object a line."""
    if path is None:
        return []
    try:
        found = [orjson.loads(line) for line in path.read_bytes().splitlines() if line.strip()]
        return [{**head, "service": head["service"]} for head in found]
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise Misconfigured(
            "--head", f"{path} 不是链头文件({type(cause).__name__})", f"{path} holds no heads ({type(cause).__name__})"
        ) from cause


def _verified(name: str, known: list[dict[str, Any]]) -> int:
    """How many things are wrong with a service's audit; each is said."""
    wrong, done = 0, None
    try:
        for told in _progress(name, known):
            if "finding" in told:
                wrong += 1
                show(f"✗ {name}: {told['finding']} {told['about']}: {told['message']}")
            done = told if "done" in told else done
    except OneWindowError as cause:
        show(f"✗ {name}: {cause.detail_zh} / {cause.detail_en}")
        return wrong + 1
    if done is None:
        show(f"✗ {name}: 核验中断 / the verifying broke off")
        return wrong + 1
    if not wrong:
        show(f"✓ {name}: {done['batches']} 批 {done['rows']} 行 / {done['batches']} batches, {done['rows']} rows")
    return wrong


def _progress(name: str, known: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """The lines of the answer, shown as a bar in a terminal while they come."""
    columns = (TextColumn(name), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(name)
        for line in lines("POST", f"/api/ops/{name}/audit/verify", {"heads": known}, ACCOUNT):
            told: dict[str, Any] = orjson.loads(line)
            if "of" in told:
                bar.update(task, completed=told["batches"], total=told["of"] or None)
            else:
                yield told
