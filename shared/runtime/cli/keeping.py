"""`backup` and `restore`: what an operator keeps, apart from what was made of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from shared.config import load_settings
from shared.errors import Misconfigured
from shared.runtime.backup.making import make
from shared.runtime.backup.restoring import put_back

screen = Console(stderr=True, highlight=False)
Folder = Annotated[Path, typer.Argument(help="备份文件夹 / folder of the backup")]
Keys = Annotated[
    Path | None,
    typer.Option("--keys", help="密钥另存之处,默认 DIR-keys / where the keys go, apart: DIR-keys by default"),
]
Passphrase = Annotated[
    Path | None, typer.Option("--passphrase-file", help="密钥的口令文件 / file with the passphrase of the keys")
]

WithoutBus = Annotated[
    bool,
    typer.Option("--without-bus", help="原来的 Kafka 已不存在 / the Kafka that the backup was on is gone for good"),
]


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    app.command()(backup)
    app.command()(restore)


def backup(folder: Folder, keys: Keys = None, passphrase_file: Passphrase = None) -> None:
    """备份数据库、文件和密钥(运行中也可)/ back up databases, files and, apart, the keys; also while it runs."""
    apart = keys or _beside(folder)
    made = asyncio.run(make(load_settings(), folder, apart, _passphrase(passphrase_file), _say))
    count = f"{len(made.databases)} 个数据库、{made.files} 个文件 / {len(made.databases)} databases, {made.files} files"
    _say(f"✓ 已备份 / backed up: {folder} ({count}; installation {made.installation})")
    _say(f"✓ 密钥 / keys: {apart};请与数据分开保管 / keep them in other hands than the data")


def restore(
    folder: Folder, keys: Keys = None, passphrase_file: Passphrase = None, without_bus: WithoutBus = False
) -> None:
    """恢复到空的目标 / put a backup back, into the empty places that the settings name."""
    apart, secret = keys or _beside(folder), _passphrase(passphrase_file)
    found = asyncio.run(put_back(load_settings(), folder, apart, secret, _say, without_bus=without_bus))
    made = (
        f"installation {found.installation}, 备份于 / made {found.made_at.isoformat()}, 版本 / release {found.release}"
    )
    _say(f"✓ 已恢复 / restored: {made};可以启动了 / start it now")


def _beside(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}-keys")


def _passphrase(path: Path | None) -> str | None:
    if path is None:
        return None
    try:
        found = path.read_text("utf-8").strip()
    except OSError as cause:
        raise Misconfigured("--passphrase-file", f"读不了 {path}", f"cannot read {path}") from cause
    if not found:
        raise Misconfigured("--passphrase-file", f"{path} 是空的", f"{path} is empty")
    return found


def _say(text: str) -> None:
    screen.print(text, markup=False, soft_wrap=True)
