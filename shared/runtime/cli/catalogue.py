"""`matters`, `openapi`, `asyncapi`, `schemas`, `topics`, `settings`, `keys`, `calc`: what the platform is made of."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from rich.console import Console
from rich.table import Table

from shared.catalog import schemas as catalogue_schemas
from shared.catalog.asyncapi import asyncapi as describe_events
from shared.catalog.registry import Catalog, load
from shared.clock import beijing_date, parse_clock
from shared.config import PREFIX, Settings, load_settings
from shared.crypto import Keyring
from shared.errors import Misconfigured
from shared.policy import Policy
from shared.runtime.app import describe
from shared.runtime.host import load_specs

screen = Console()
ROOT = Path(__file__).resolve().parents[3]
OPENAPI = ROOT / "docs" / "openapi.json"
ASYNCAPI = ROOT / "docs" / "asyncapi.json"
SCHEMAS = ROOT / "schemas"


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (matters, openapi, asyncapi, schemas, topics, settings, keys, calc):
        app.command()(command)


def _catalog() -> Catalog:
    return load(load_settings().catalog_folders)


def matters() -> None:
    """列出事项 / list the matters of the catalogue."""
    table = Table("code", "事项", "服务", "性质", "承诺 / promised")
    for matter in sorted(_catalog().matters.values(), key=lambda m: m.code):
        limit = f"{matter.promised.n} {matter.promised.unit}" if matter.promised else "-"
        table.add_row(matter.code, matter.name, matter.service, matter.nature.value, limit)
    screen.print(table)


def openapi(check: Annotated[bool, typer.Option(help="只比较 / compare only")] = False) -> None:
    """生成 OpenAPI 文件 / write the OpenAPI document of the whole."""
    _written(OPENAPI, describe(_catalog()), check=check)


def asyncapi(check: Annotated[bool, typer.Option(help="只比较 / compare only")] = False) -> None:
    """生成 AsyncAPI 文件 / write the AsyncAPI document of all topics and messages."""
    _written(ASYNCAPI, describe_events(_catalog()), check=check)


def _written(path: Path, document: dict[str, Any], *, check: bool) -> None:
    """Writes a generated file; with `check` only says whether it is out of date (exit code 1)."""
    text = orjson.dumps(document, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS) + b"\n"
    if not check:
        path.write_bytes(text)
    elif not path.exists() or path.read_bytes() != text:
        name, command = path.relative_to(ROOT), f"onewindow {path.stem}"
        screen.print(f"{name} 过期,请运行 {command} / is out of date, run `{command}`")
        raise typer.Exit(1)


def schemas(check: Annotated[bool, typer.Option(help="只比较 / compare only")] = False) -> None:
    """生成事件的 JSON Schema / write the JSON Schemas of all messages."""
    if not check:
        catalogue_schemas.write_schemas(_catalog(), SCHEMAS)
        return
    differences = catalogue_schemas.check_schemas(_catalog(), SCHEMAS)
    for line in differences:
        screen.print(line)
    if differences:
        raise typer.Exit(1)


def topics() -> None:
    """列出主题 / list the topics that the catalogue declares."""
    table = Table("topic", "writer", "readers", "partitions", "kept (days)")
    for topic in _catalog().topics.values():
        readers = ", ".join(topic.readers) if topic.readers is not None else "*"
        table.add_row(topic.name, topic.writer, readers, str(topic.partitions), str(topic.days or "∞"))
    screen.print(table)


def settings() -> None:
    """列出设置 / list the settings, their values and meanings."""
    now = load_settings()
    table = Table("setting", "value", "meaning")
    for name, field in Settings.model_fields.items():
        value = getattr(now, name)
        hidden = "***" if name == "database_url" and value else str(value)
        table.add_row(PREFIX + name.upper(), hidden, field.description or "")
    screen.print(table)


def keys() -> None:
    """检查密钥文件夹 / look at the key folder (made if missing); never prints a key."""
    now = load_settings()
    ring = Keyring.open(now.key_folder, list(load(now.catalog_folders).services))
    screen.print(f"installation {ring.installation}")
    screen.print(f"services: {', '.join(sorted(ring.services))}")
    for made in ring.made:
        screen.print(f"made {made}")


def calc(
    rule: Annotated[str, typer.Argument(help="service.matter.rule")] = "",
    inputs: Annotated[list[str] | None, typer.Argument(help="key=value …")] = None,
    as_of: Annotated[str | None, typer.Option(help="YYYY-MM-DD")] = None,
    region: Annotated[str, typer.Option(help="区划 / region")] = "420112",
    as_json: Annotated[bool, typer.Option("--json")] = False,
    listing: Annotated[bool, typer.Option("--list", help="列出规则 / list the rules")] = False,
) -> None:
    """运行一条规则并说明 / run one rule; print its result and explanation."""
    rules = {name: (spec, fn) for spec in load_specs(_catalog()) for name, fn in spec.rules.items()}
    if listing or not rule:
        for name in sorted(rules):
            screen.print(name)
        return
    if rule not in rules:
        raise Misconfigured("calc", f"没有规则 {rule},见 calc --list", f"no rule {rule}, see `calc --list`")
    spec, function = rules[rule]
    day = date.fromisoformat(as_of) if as_of else beijing_date(parse_clock("system").now())
    policy = Policy.load(spec.policy) if spec.policy else Policy()
    found = function(_pairs(inputs or []), policy, day, region)
    _show(found, as_json=as_json)


def _pairs(inputs: list[str]) -> dict[str, str]:
    wrong = [text for text in inputs if "=" not in text]
    if wrong:
        raise Misconfigured("calc", f"应为 key=value:{wrong[0]}", f"expected key=value: {wrong[0]}")
    return dict(text.split("=", 1) for text in inputs)


def _show(found: Any, *, as_json: bool) -> None:
    plain = json.loads(orjson.dumps(found, default=str))
    if as_json:
        print(json.dumps(plain, ensure_ascii=False, indent=2))  # noqa: T201 — what was asked for
        return
    table = Table(show_header=False)
    for name, value in plain.items():
        lines = value if isinstance(value, list) else [value]
        table.add_row(name, "\n".join(map(str, lines)))
    screen.print(table)
