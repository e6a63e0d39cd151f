"""`matters`, `openapi`, `asyncapi`, `schemas`, `topics`, `settings`: what the platform is made of."""

from __future__ import annotations

import asyncio
import os
import shlex
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.table import Table

from shared.bus.kafka_acls import grants, reading
from shared.bus.kafka_topics import declare
from shared.catalog import schemas as catalogue_schemas
from shared.catalog.asyncapi import asyncapi as describe_events
from shared.catalog.registry import Catalog, load
from shared.codes import GROUPS, words
from shared.config import CONFIG, DATABASE_URL, PREFIX, Settings, load_settings
from shared.db import stored
from shared.release import this_release
from shared.runtime.app import describe
from shared.runtime.buses import EMBEDDED, link_of
from shared.runtime.cli.screen import show
from shared.runtime.gateway import nginx
from shared.runtime.host import load_specs

ROOT = Path(__file__).resolve().parents[3]
OPENAPI = ROOT / "docs" / "openapi.json"
CODES_PAGE = ROOT / "docs" / "codes.md"
ASYNCAPI = ROOT / "docs" / "asyncapi.json"
SCHEMAS = ROOT / "schemas"
STORED = SCHEMAS / "stored.json"
CHANGELOG = ROOT / "CHANGELOG.md"


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (matters, codes, openapi, asyncapi, schemas, topics, gateway, settings):
        app.command()(command)


def _catalog() -> Catalog:
    return load(load_settings().catalog_folders)


def matters() -> None:
    """列出事项 / list the matters of the catalogue."""
    table = Table("code", "事项", "服务", "性质", "承诺 / promised")
    for matter in sorted(_catalog().matters.values(), key=lambda m: m.code):
        limit = f"{matter.promised.n} {matter.promised.unit}" if matter.promised else "-"
        table.add_row(matter.code, matter.name, matter.service, matter.nature.value, limit)
    show(table)


def codes(check: Annotated[bool, typer.Option(help="只比较 / compare only")] = False) -> None:
    """生成错误码一览 / write the page of all codes of refusals."""
    _kept(CODES_PAGE, codes_page().encode(), check=check)


def codes_page() -> str:
    """The registry of codes as a page."""
    lines = [
        "# 错误码 / Codes of refusals",
        "",
        "Made by `onewindow codes` from `shared/codes.py`. A code never changes; the words beside it may be said more"
        " closely in `detail` and `errors[].message`, with the names that there are or the values that would be right.",
    ]
    for title, group in GROUPS.items():
        lines += ["", f"## {title}", "", "| code | 中文 | English |", "|---|---|---|"]
        lines += [f"| `{code}` | {words(code)[0]} | {words(code)[1]} |" for code in sorted(group)]
    return "\n".join(lines) + "\n"


def openapi(check: Annotated[bool, typer.Option(help="只比较 / compare only")] = False) -> None:
    """生成 OpenAPI 文件 / write the OpenAPI document of the whole."""
    _written(OPENAPI, describe(_catalog()), check=check)


def asyncapi(check: Annotated[bool, typer.Option(help="只比较 / compare only")] = False) -> None:
    """生成 AsyncAPI 文件 / write the AsyncAPI document of all topics and messages."""
    _written(ASYNCAPI, describe_events(_catalog()), check=check)


def _written(path: Path, document: dict[str, Any], *, check: bool, command: str = "") -> None:
    """Writes a generated file; with `check` only says whether it is out of date (exit code 1)."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    _kept(path, text, check=check, command=command)


def _kept(path: Path, text: bytes, *, check: bool, command: str = "") -> None:
    if not check:
        path.write_bytes(text)
    elif not path.exists() or path.read_bytes() != text:
        name, command = path.relative_to(ROOT), f"onewindow {command or path.stem}"
        show(f"{name} 过期,请运行 {command} / is out of date, run `{command}`")
        raise typer.Exit(1)


def schemas(check: Annotated[bool, typer.Option(help="只比较 / compare only")] = False) -> None:
    """生成事件的 JSON Schema 和存储结构 / write the JSON Schemas of all messages, and what is stored of aggregates."""
    now = stored.shapes(load_specs(load()))
    committed = orjson.loads(STORED.read_bytes()) if STORED.exists() else {}
    wrong = stored.faults(committed, now, this_release(), stored.released(CHANGELOG.read_text("utf-8")))
    if check:
        wrong += catalogue_schemas.check_schemas(_catalog(), SCHEMAS)
    for line in wrong:
        show(line)
    if wrong:
        raise typer.Exit(1)
    if not check:
        catalogue_schemas.write_schemas(_catalog(), SCHEMAS)
    _written(STORED, now, check=check, command="schemas")


def topics(
    acls: Annotated[
        bool, typer.Option(help="打印要告诉 kafka-acls 的权限 / print what kafka-acls is to be told")
    ] = False,
    reader: Annotated[
        str, typer.Option(help="与 --acls 同用:平台之外的订阅者 / with --acls: for a reader outside the platform")
    ] = "",
    topic: Annotated[
        list[str] | None,
        typer.Option(help="订阅者可读的主题,默认全部对外主题 / what it may read, by default all facts"),
    ] = None,
) -> None:
    """列出目录声明的主题;在 Kafka 上先把缺的建好 / list the catalogue's topics; on Kafka, make those missing first."""
    now, catalog = load_settings(), _catalog()
    if acls:
        link = link_of(now)
        wanted = [reading(catalog, reader, topic or (), link.prefix)] if reader else grants(catalog, link.prefix)
        for grant in wanted:
            typer.echo(shlex.join(["kafka-acls.sh", "--bootstrap-server", link.servers, *grant.arguments()]))
        return
    if now.bus != EMBEDDED:
        asyncio.run(declare(link_of(now), list(catalog.topics.values())))
    table = Table("topic", "writer", "readers", "partitions", "kept (days)")
    for entry in catalog.topics.values():
        readers = ", ".join(entry.readers) if entry.readers is not None else "*"
        table.add_row(entry.name, entry.writer, readers, str(entry.partitions), str(entry.days or "∞"))
    show(table)


def gateway(
    backends: Annotated[list[str], typer.Argument(help="服务=地址:端口[,地址:端口…] / service=host:port[,host:port…]")],
    listen: Annotated[str, typer.Option(help="网关监听 / where the gateway listens")] = "127.0.0.1:8000",
    folder: Annotated[Path, typer.Option(help="网关写文件处 / where the gateway writes")] = Path("/run/onewindow"),
) -> None:
    """打印分开运行时的 nginx 网关配置 / print the nginx configuration of the gateway before services that run apart."""
    places = {name: copies.split(",") for name, _, copies in (one.partition("=") for one in backends)}
    most, where = load_settings().file_bytes, str(folder.absolute())
    typer.echo(nginx(load_specs(_catalog()), places, listen=listen, folder=where, file_bytes=most))


BESIDE = {
    CONFIG: "设置文件(TOML,名称用小写、不带前缀)/ a TOML file of these settings, in small letters, without the prefix",
    f"{PREFIX}URL": "demo、parked、bus、audit 所连的平台,默认本机端口 / the platform that these commands speak to",
    f"{PREFIX}TOKEN": "以谁的身份,演示时自动登录 / as whom they speak; a demonstration signs in by itself",
}
"""What the command line alone looks at."""


def settings() -> None:
    """列出设置 / list the settings, their values and meanings."""
    now = load_settings()
    table = Table("setting", "value", "meaning")
    for name, field in Settings.model_fields.items():
        value = getattr(now, name)
        hidden = "***" if name in {"database_url", "database_urls"} and value else str(value)
        shown = f"{DATABASE_URL}_<SERVICE>" if name == "database_urls" else PREFIX + name.upper()
        table.add_row(shown, hidden, field.description or "")
    for name, meaning in BESIDE.items():
        given = os.environ.get(name)
        table.add_row(name, "***" if given and name.endswith("TOKEN") else str(given), meaning)
    show(table)
