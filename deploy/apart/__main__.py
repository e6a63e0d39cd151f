"""`make apart`: PostgreSQL, Kafka, a process a service and the gateway on this machine, until Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from rich.console import Console

from deploy.apart.gateway import NoGateway
from deploy.apart.house import Apart, accounts
from deploy.apart.processes import DidNotStart
from deploy.kafka.jars import NoKafka
from deploy.kafka.local import LocalKafka
from shared.catalog.registry import load
from shared.config import PREFIX
from shared.db.postgres import EmbeddedPostgres
from shared.errors import OneWindowError

CONNECTIONS = 150
screen = Console(stderr=True, highlight=False)


def run(folder: Path, nodes: int, port: int) -> None:
    """Starts everything, says where it is, and serves until it is told to stop."""
    passwords = accounts(load())
    with ExitStack() as until_the_end:
        screen.print("· PostgreSQL")
        postgres = EmbeddedPostgres(folder / "postgres", connections=CONNECTIONS)
        until_the_end.callback(postgres.remove)
        postgres.start()
        screen.print(f"· Kafka ({nodes})")
        kafka = LocalKafka(folder / "kafka", nodes, scram=passwords)
        until_the_end.callback(kafka.stop)
        kafka.start()
        screen.print("· 各服务与网关 / the services and their gateway")
        house = Apart(folder, kafka, passwords, port=port)
        until_the_end.callback(house.stop)
        assert postgres.address is not None  # noqa: S101 — it has just started
        house.start(postgres.address.superuser_dsn)
        for program in house.all():
            screen.print(f"  {program.name:12} {program.ready_at.removesuffix('/readyz')}  {program.log}", markup=False)
        screen.print(f"✓ 已就绪 / ready: {house.url}  (onewindow demo 可演示 / plays a story; Ctrl-C 停止 / stops)")
        signal.pause()


def main() -> int:
    """Runs it in a folder that goes afterwards; 1, with a sentence, when it cannot be run here."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="onewindow-apart-"))
    try:
        run(folder, int(os.environ.get("NODES", "1")), int(os.environ.get(f"{PREFIX}PORT", "8000")))
    except (NoKafka, NoGateway, DidNotStart, OneWindowError) as cause:
        screen.print(str(cause), markup=False)
        return 1
    except KeyboardInterrupt:
        screen.print("已停止 / stopped")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
