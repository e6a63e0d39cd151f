"""`keys`: looking at the key folder, new generations, sealing anew what rests, retiring what nobody needs.

They work on the key folder and the databases themselves, beside the platform at work: nothing else holds every key.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from shared.catalog.registry import Catalog, load
from shared.clock import SystemClock
from shared.config import Settings, load_settings
from shared.crypto import Keyring
from shared.crypto.folder import AUDIT, SEAL, SIGN, add_generation, retire
from shared.db.engine import Database
from shared.db.postgres import EmbeddedPostgres, PostgresAddress
from shared.errors import Conflict, Misconfigured, Transient
from shared.resealing.reseal import reseal
from shared.resealing.usage import (
    Generation,
    generations,
    messages_under,
    retention,
    rows_under,
    why_not,
)
from shared.runtime.buses import EMBEDDED
from shared.runtime.cli.screen import show
from shared.runtime.databases import Databases, home_of
from shared.runtime.host import load_specs
from shared.runtime.installation import installation_of
from shared.spec import ServiceSpec

keys = typer.Typer(help="密钥 / keys", invoke_without_command=True)
OneService = Annotated[str, typer.Option("--service", help="哪个服务的密钥 / the keys of this service")]
AnyService = Annotated[str, typer.Option("--service", help="只限这个服务 / this service alone")]


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.add_typer(keys, name="keys")


@keys.callback()
def look(context: typer.Context) -> None:
    """检查密钥文件夹 / look at the key folder (made if missing); never prints a key."""
    if context.invoked_subcommand is not None:
        return
    now = load_settings()
    ring = Keyring.open(now.key_folder, list(load(now.catalog_folders).services))
    show(f"installation {ring.installation}")
    show(f"services: {', '.join(sorted(ring.services))}")
    for made in ring.made:
        show(f"made {made}")


@keys.command("rotate")
def rotate(
    service: Annotated[str, typer.Option("--service", help="换密封密钥 / a new sealing key of this service")] = "",
    audit: Annotated[str, typer.Option("--audit", help="换审计签名密钥 / a new key for its audit chain")] = "",
    signing: Annotated[bool, typer.Option("--signing", help="换令牌签名密钥 / a new key for tokens")] = False,
) -> None:
    """换一代密钥;旧的仍可解密、验签 / make a new generation; the old ones go on opening and verifying."""
    wanted = [(SEAL, service)] * bool(service) + [(AUDIT, audit)] * bool(audit) + [(SIGN, "")] * signing
    if not wanted:
        raise Misconfigured(
            "keys rotate", "请写明 --service、--audit 或 --signing", "name --service, --audit or --signing"
        )
    now = load_settings()
    _known(load(now.catalog_folders), *(name for _, name in wanted if name))
    for kind, name in wanted:
        show(f"made {kind}/{add_generation(now.key_folder, kind, name)}")
    show("各进程数秒内启用;请另行备份密钥文件夹 / taken up within seconds; back the key folder up apart")


@keys.command("status")
def status(service: AnyService = "") -> None:
    """各代密钥还有哪里需要 / where each generation is still needed."""
    asyncio.run(_status(service))


async def _status(service: str) -> None:
    table = Table("key", "newest", "superseded", "rows", "messages")
    async with _at(load_settings(), service) as ground:
        for name in ground.services:
            for one in await _generations(ground, name):
                since = one.superseded.isoformat(timespec="seconds") if one.superseded else "-"
                told = "?" if one.messages is None else str(one.messages)
                rows = ", ".join(f"{where} {count}" for where, count in one.rows.items())
                table.add_row(one.kid, "✓" if one.newest else "", since, rows or "0", told)
    show(table)


@keys.command("reseal")
def reseal_rows(service: AnyService = "") -> None:
    """把静态数据改用最新密钥密封;可中断、可重来 / seal what rests under the newest keys; can be broken off and repeated."""
    left = asyncio.run(_reseal(service))
    if left:
        show(f"✗ 有 {left} 处密封内容打不开,仍用旧密钥 / {left} sealed parts would not open and stay as they are")
        raise typer.Exit(1)


async def _reseal(service: str) -> int:
    left = done = 0
    columns = (SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn())
    async with _at(load_settings(), service) as ground:
        old = [kid for name in ground.services for kid, newest, _ in ground.generations(name) if not newest]
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("")
            for spec in ground.specs if old else ():
                async for step in reseal(ground.databases.of(spec.name).db, spec, ground.keyring, old):
                    done, left = done + step.parts, left + step.left
                    bar.update(task, description=f"{spec.name}.{step.table}: {done}")
    show(f"已重新密封 {done} 处 / {done} parts sealed anew")
    return left


@keys.command("retire")
def retire_key(service: OneService) -> None:
    """停用不再需要的旧密钥(移入 retired/)/ retire old keys that nothing needs any more; they move to `retired/`."""
    asyncio.run(_retire(service))


async def _retire(service: str) -> None:
    now = load_settings()
    async with _at(now, service) as ground:
        old = [one for one in await _generations(ground, service) if not one.newest]
        kept = retention(ground.catalog)
    for one in old:
        reason = why_not(one, kept, SystemClock().now())
        if reason is not None:
            raise Conflict("KEY_IN_USE", f"{one.kid}:{reason[0]}", f"{one.kid}: {reason[1]}")
    for one in old:
        retire(now.key_folder, one.kid)
        show(f"retired {one.kid}")
    if not old:
        show("没有旧密钥 / there are no old keys")


# --- what they work on ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Ground:
    settings: Settings
    catalog: Catalog
    specs: list[ServiceSpec]
    services: list[str]
    databases: Databases
    keyring: Keyring

    def generations(self, service: str) -> list[tuple[str, bool, object]]:
        return [*generations(self.settings.key_folder, self.keyring, service)]


async def _generations(ground: _Ground, service: str) -> list[Generation]:
    """Each key of a service, with all that needs it in any service's rows."""
    found, kept = [], retention(ground.catalog)
    for kid, newest, superseded in generations(ground.settings.key_folder, ground.keyring, service):
        rows: dict[str, int] = {}
        for spec in ground.specs:
            rows |= await rows_under(ground.databases.of(spec.name).db, spec, kid)
        on_bus = ground.settings.bus == EMBEDDED
        messages = await messages_under(ground.databases.home.db, kid, kept) if on_bus else None
        found.append(Generation(kid, newest, superseded, rows, messages))
    return found


@asynccontextmanager
async def _at(settings: Settings, service: str) -> AsyncIterator[_Ground]:
    """The databases of all services, wherever they are, opened; the whole key folder, which must be theirs."""
    catalog = load(settings.catalog_folders)
    _known(catalog, *([service] if service else []))
    names = list(catalog.services)
    async with _home(settings, names) as home:
        databases = Databases(settings, home, names)
        try:
            for site, _ in databases.residents():
                await site.db.open()
            held = await installation_of(databases.home)
            keyring = Keyring.open(settings.key_folder, names, held.id if held else None)
            yield _Ground(settings, catalog, load_specs(catalog), [service] if service else names, databases, keyring)
        finally:
            for site, _ in databases.residents():
                await site.db.close()


@asynccontextmanager
async def _home(settings: Settings, names: list[str]) -> AsyncIterator[str]:
    """The address of the home database: the one that is named, the embedded one at work, or that one started for us."""
    address = home_of(settings, names)
    known = None if address else PostgresAddress.load(settings.data / "postgres.secret")
    if address is None and known is not None and await _answers(known.dsn):
        address = known.dsn
    if address is not None:
        yield address
        return
    postgres = EmbeddedPostgres(settings.data)
    try:
        yield await asyncio.to_thread(postgres.start)
    finally:
        await asyncio.to_thread(postgres.stop)


async def _answers(dsn: str) -> bool:
    db = Database(dsn, 2)
    try:
        await db.open()
    except (Transient, Misconfigured):
        return False
    await db.close()
    return True


def _known(catalog: Catalog, *services: str) -> None:
    for name in services:
        if name not in catalog.services:
            there = ", ".join(sorted(catalog.services))
            raise Misconfigured("--service", f"没有服务 {name},现有:{there}", f"no service {name}; there are: {there}")
