"""Start and stop of the embedded PostgreSQL; nothing else in the platform knows how its server came to run."""

import errno
import logging
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

import psutil

import shared.db.postgres.cluster as clusters
import shared.db.postgres.place as places
import shared.db.postgres.postmaster as postmasters
from shared.db.postgres.account import Account
from shared.db.postgres.address import HOST, PostgresAddress
from shared.db.postgres.lock import FolderLock
from shared.errors import Misconfigured, Transient

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "shared_buffers": "64MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "wal_level": "replica",  # so that pg_basebackup can take a copy from the running server
    "max_wal_senders": "2",
    "max_wal_size": "512MB",
    "checkpoint_completion_target": "0.9",
    "autovacuum_max_workers": "2",
    "io_method": "sync",  # no extra worker processes on a small machine
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_checkpoints": "off",
    "log_error_verbosity": "terse",  # DETAIL quotes rows
    "log_min_error_statement": "panic",
    "log_parameter_max_length_on_error": "0",
}
_LOG_LIMIT = 10 * 1024 * 1024  # bytes
_PATIENCE = 900.0  # seconds allowed for recovery after a crash
_TELL_EVERY = 5.0  # seconds between words of progress
_STOP_PATIENCE = 120.0  # seconds a fast shutdown may take before it is cut short
_STOP = ((signal.SIGINT, _STOP_PATIENCE), (signal.SIGQUIT, 10.0))
_THROW_AWAY = ((signal.SIGQUIT, 10.0), (signal.SIGKILL, 10.0))  # what is deleted need not be written down before
_ATTEMPTS = 3
_ROOM = 64 * 1024 * 1024
"""Bytes without which a server that did not start may have lacked them: a few files of its log."""


def _to_log(text: str) -> None:
    logging.getLogger(__name__).warning(text)


class EmbeddedPostgres:
    """The server of one data folder, in a session of its own; `start` and `stop` block."""

    def __init__(
        self,
        data: Path,
        *,
        notice: Callable[[str], None] = _to_log,
        patience: float = _PATIENCE,
        connections: int = 60,
    ) -> None:
        self._data = data.absolute()
        self._notice = notice
        self._patience = patience
        self._settings = {**SETTINGS, "max_connections": str(connections)}
        self._lock = FolderLock(self._data / "postgres.lock")
        self._secret = self._data / "postgres.secret"
        self._child: subprocess.Popen[bytes] | None = None
        self._pid: int | None = None
        self.address: PostgresAddress | None = None

    @property
    def cluster(self) -> Path:
        """Folder of the cluster, wherever it lies."""
        return places.read_home(self._data) / "postgres"

    def start(self) -> str:
        """The address of the ready server, made, started or found; Misconfigured or Transient say why not."""
        self._lock.take()
        try:
            cluster, account = self._existing_cluster()
            adopted = self._adopt(cluster) if cluster else None
            self.address = adopted or self._launch(cluster, account)
        except Transient:  # still recovering: it may go on, and the next start finds it
            self._let_go()
            raise
        except OSError as cause:
            self.stop()
            if cause.errno == errno.ENOSPC:
                raise self._no_room() from cause
            raise
        except BaseException:
            self.stop()
            raise
        self.address.save(self._secret)
        return self.address.dsn

    def stop(self) -> None:
        """Fast shutdown of what this run started or found, waited for; then the folder is free for the next start."""
        try:
            if self._pid is not None:
                self._shut_down(self._pid, _STOP)
        finally:
            self._let_go()

    @property
    def running(self) -> bool:
        """Whether the server that this run started or found is still there."""
        return self._alive()

    def _let_go(self) -> None:
        self._pid = self._child = None
        self._lock.release()

    def remove(self) -> None:
        """Stop whatever runs there, and delete cluster, copies and passwords wherever they lie (temporary folders)."""
        home = places.read_home(self._data)
        if self._pid is None:
            self._lock.take()
            found = postmasters.running(home / "postgres")
            self._pid = found.pid if found else None
        try:
            if self._pid is not None:
                self._shut_down(self._pid, _THROW_AWAY)
            places.clear(self._data, home)
            self._secret.unlink(missing_ok=True)
        finally:
            self._let_go()

    def _adopt(self, cluster: Path) -> PostgresAddress | None:
        """The server that a killed run left behind; None where none runs (one about to stop is waited for)."""
        found = postmasters.running(cluster)
        if found is None:
            return None
        address = self._known_address()
        self._pid = found.pid
        if self._wait(cluster):
            self._notice(
                f"沿用上次运行留下的数据库(pid {found.pid})。 Reusing the server of an earlier run (pid {found.pid})."
            )
            return replace(address, port=found.port)
        self._pid = None
        return None

    def _launch(self, cluster: Path | None, account: Account) -> PostgresAddress:
        home = cluster.parent if cluster else places.settle_home(self._data, account, self._notice)
        binaries = places.settle_binaries(home, account, self._notice)
        if cluster is None:
            cluster = home / "postgres"
            address = PostgresAddress.load(self._secret) or PostgresAddress.invent()
            address.save(self._secret)  # before the cluster exists, so that none is ever without its passwords
            clusters.create(cluster, binaries, account, address)
        else:
            address = self._known_address()
            self._clear_remnants(cluster)
        for _ in range(_ATTEMPTS):
            address = address.on_free_port()
            self._spawn(cluster, binaries, account, address)
            if self._wait(cluster):
                return address
            if "Address already in use" not in self._last_words():
                break
        if shutil.disk_usage(cluster).free < _ROOM:
            raise self._no_room()
        raise Misconfigured(
            "ONEWINDOW_DATA",
            f"数据库未能启动,日志 {self._log} 末尾:{self._last_words()}。",
            f"The database did not start; its log {self._log} ends as shown; check disk space and {cluster}.",
        )

    def _no_room(self) -> Transient:
        return Transient(
            f"{self._data} 所在的磁盘已满,数据库无法启动;请腾出空间",
            f"the disk of {self._data} is full, the database cannot start: make room",
            retry_after=_TELL_EVERY,
        )

    def _existing_cluster(self) -> tuple[Path | None, Account]:
        cluster = self.cluster
        account = Account.choose(cluster if cluster.is_dir() else None)
        account.check_usable()
        if not cluster.is_dir() or not any(cluster.iterdir()):
            return None, account
        clusters.check_major(cluster)
        places.check_reach(cluster, account)
        return cluster, account

    def _known_address(self) -> PostgresAddress:
        address = PostgresAddress.load(self._secret)
        if address is None:
            raise Misconfigured(
                "ONEWINDOW_DATA",
                f"{self.cluster} 已有数据库,但口令文件 {self._secret} 不存在;请从备份恢复该文件。",
                f"{self.cluster} holds a database but its passwords {self._secret} are missing; restore that file.",
            )
        return address

    def _clear_remnants(self, cluster: Path) -> None:
        """Wait for sessions of a killed server to end, then clear a pid file that now names a stranger."""
        if not (cluster / postmasters.PID_FILE).exists():
            return
        deadline = time.monotonic() + _STOP_PATIENCE
        while left := postmasters.remnants(cluster):
            if time.monotonic() > deadline:
                raise Transient(
                    f"数据库残留进程 {left} 未退出,请稍后重试。", f"Remnants of the database {left} still run; retry."
                )
            time.sleep(0.05)
        postmasters.remove_reused(cluster)

    @property
    def _log(self) -> Path:
        return self.cluster.with_name("postgres.log")

    def _spawn(self, cluster: Path, binaries: places.Binaries, account: Account, address: PostgresAddress) -> None:
        options = [word for name, value in self._settings.items() for word in ("-c", f"{name}={value}")]
        if self._log.exists() and self._log.stat().st_size > _LOG_LIMIT:
            self._log.replace(self._log.with_name("postgres.log.1"))
        with self._log.open("ab") as log:
            log.write(b"--- start\n")
            log.flush()
            self._child = subprocess.Popen(  # noqa: S603 - our own programs, words never from outside
                [str(binaries.command("postgres")), "-D", str(cluster), "-p", str(address.port), *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=cluster,
                start_new_session=True, **account.rights(),
            )  # fmt: skip
        self._pid = self._child.pid

    def _last_words(self) -> str:
        """What the server wrote since its last start."""
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - 4000))
            return log.read().decode("utf-8", "replace").rpartition("--- start\n")[2].strip()[-1000:]

    def _wait(self, cluster: Path) -> bool:
        """True when the server takes connections, False when it has ended; tells while recovery goes on."""
        begun = time.monotonic()
        told = begun
        while self._alive():
            now = time.monotonic()
            found = postmasters.Postmaster.read(cluster)
            if found and found.pid == self._pid and found.status == "ready":
                return True
            if now - begun > self._patience:
                raise Transient(
                    f"数据库 {self._patience:.0f} 秒内未就绪,仍在恢复;见日志 {self._log},稍后重新启动即可续用。",
                    f"The database is not ready after {self._patience:.0f} s and still recovers; see {self._log},"
                    " then start again: it will be found.",
                )
            if now - told >= _TELL_EVERY:
                told = now
                self._notice(
                    f"数据库正在启动或恢复,已 {now - begun:.0f} 秒。"
                    f" The database is starting or recovering, {now - begun:.0f} s so far."
                )
            time.sleep(0.01)
        return False

    def _alive(self) -> bool:
        if self._child is not None:
            return self._child.poll() is None
        return self._pid is not None and _is_alive(self._pid)

    def _shut_down(self, pid: int, orders: Iterable[tuple[signal.Signals, float]]) -> None:
        for order, patience in orders:
            if not self._alive():
                return
            psutil.Process(pid).send_signal(order)
            deadline = time.monotonic() + patience
            while self._alive() and time.monotonic() < deadline:
                time.sleep(0.01)
        if self._alive():
            self._notice(f"数据库进程 {pid} 未能停止。 The database process {pid} did not stop.")


def _is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
