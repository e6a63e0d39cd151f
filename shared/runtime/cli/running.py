"""`up`, `serve`, `migrate`, `demo`: commands that run the platform or a part of it."""

from __future__ import annotations

import asyncio
import importlib
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console

from shared import log
from shared.config import DATABASE_URL, Settings, load_settings
from shared.db.migrate import draft_revision
from shared.errors import Misconfigured
from shared.runtime.databases import home_of
from shared.runtime.host import Host
from shared.runtime.priority import stand_back
from shared.spec import ServiceSpec

screen = Console(stderr=True, highlight=False)
DEMO_COMMANDS = "demo.command"


def register(app: typer.Typer) -> None:
    """Adds these commands."""
    for command in (up, serve, migrate, demo):
        app.command()(command)


def up(
    port: Annotated[int | None, typer.Option(help="端口 / port")] = None,
    data: Annotated[Path | None, typer.Option(help="数据文件夹 / data folder")] = None,
    demo: Annotated[bool, typer.Option(help="演示数据与账号 / demonstration data and accounts")] = True,
    first_family: Annotated[bool, typer.Option(help="启动后办理一户虚构家庭 / hand in one invented family")] = False,
) -> None:
    """启动整个平台 / start the whole platform and serve until Ctrl-C."""
    settings = load_settings(port=port, data=data, demo=demo)
    after = importlib.import_module(DEMO_COMMANDS).first_family if first_family and demo else None
    _run(settings, [], after)


def serve(
    only: Annotated[str, typer.Option(help="逗号分隔的服务名 / services, comma separated")],
    port: Annotated[int | None, typer.Option(help="端口 / port")] = None,
) -> None:
    """启动部分服务 / serve some services on the configured bus and databases."""
    settings, names = load_settings(port=port), only.split(",")
    if home_of(settings, names) is None:
        raise Misconfigured(
            DATABASE_URL,
            "分开运行的服务须写明数据库:共用的,或每个服务自己的",
            "services that run apart need a database that is named: one they share, or one of their own each",
        )
    _run(settings, names, None)


def _run(settings: Settings, only: list[str], after: Callable[[str], object] | None) -> None:
    stand_back(settings.nice)
    try:
        with _listen(settings) as listening, asyncio.Runner(loop_factory=loop_factory()) as runner:
            log.configure(settings.log_level)
            # A service manager's SIGTERM is a Ctrl-C: workers put their things away and the embedded database stops.
            # Also where a shell that started it in the background had Ctrl-C ignored.
            signal.signal(signal.SIGINT, signal.default_int_handler)
            signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
            runner.run(_serve(settings, only, listening, after))
    except KeyboardInterrupt:
        screen.print("已停止 / stopped")


def _listen(settings: Settings) -> socket.socket:
    """The socket to serve on, taken before anything starts; `Misconfigured` when it is not to be had."""
    listening = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as cause:
        listening.close()
        where = f"{settings.host}:{settings.port}"
        raise Misconfigured(
            "ONEWINDOW_PORT",
            f"{where} 不能监听({cause.strerror});换一个端口,如 ONEWINDOW_PORT=8001",
            f"cannot listen on {where} ({cause.strerror}); take another port, as in ONEWINDOW_PORT=8001",
        ) from cause
    return listening


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The loop that uvicorn would choose too: uvloop where it is to be had."""
    try:
        return importlib.import_module("uvloop").new_event_loop  # type: ignore[no-any-return]
    except ImportError:
        return None


async def _serve(
    settings: Settings, only: list[str], listening: socket.socket, after: Callable[[str], object] | None
) -> None:
    screen.print("正在启动 / starting …")
    host = Host(settings, only, notice=lambda text: screen.print(f"· {text}", soft_wrap=True))
    async with host.running():
        config = uvicorn.Config(
            host.app(),
            log_level="warning",
            access_log=False,
            lifespan="off",
            http="httptools",
            timeout_graceful_shutdown=5,
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started and not serving.done():  # noqa: ASYNC110 — uvicorn has no event for it
            await asyncio.sleep(0.01)
        if server.started:
            url = f"http://{settings.host}:{listening.getsockname()[1]}"
            screen.print(f"✓ 已就绪 / ready: {url}  (Ctrl-C 停止 / stops)")
            if after is not None:
                threading.Thread(target=after, args=(url,), name="first-family", daemon=True).start()
        await serving


def migrate(
    draft: Annotated[str, typer.Option(help="起草新的迁移 / write the next revision of services that changed")] = "",
) -> None:
    """更新数据库结构 / bring every service's schema to its newest revision."""
    asyncio.run(_migrate(load_settings(), draft))


async def _migrate(settings: Settings, draft: str) -> None:
    host = Host(settings, notice=screen.print)
    try:
        host.databases = await host.find_databases()
        changed = await host.migrate()
        drafted = [await _draft(host, spec, draft) for spec in host.specs] if draft else []
    finally:
        await host.stop()
    screen.print(f"已更新 / changed: {', '.join(changed) or '-'}")
    for path in filter(None, drafted):
        screen.print(f"已起草,请检查 / drafted, read it before use: {path}")


async def _draft(host: Host, spec: ServiceSpec, draft: str) -> Path | None:
    return await draft_revision(host.databases.of(spec.name).db.dsn, spec, draft)


def demo(
    story: Annotated[str | None, typer.Option(help="故事名,默认第一个 / which story, the first by default")] = None,
    seed: Annotated[int | None, typer.Option(help="同样的数字,同样的一家人 / the same family again")] = None,
) -> None:
    """演示:一户虚构家庭的联办过程 / an invented family, its joint handling shown live."""
    settings = load_settings()
    commands = importlib.import_module(DEMO_COMMANDS)
    raise typer.Exit(commands.run(story, seed, *commands.target(settings)))
