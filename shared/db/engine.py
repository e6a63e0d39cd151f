"""Connections: one asyncpg pool a database, transactions that take a service's role for their own length only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import asyncpg
import structlog

from shared.clock import monotonic
from shared.errors import Conflict, Misconfigured, Transient
from shared.failpoints import hit

log = structlog.get_logger("onewindow.database")
RETRY_AFTER = 2.0
ROLE_PREFIX = "ow_"
HUNG = "20s"
"""A process that stands still in the middle of a transaction holds its locks no longer than this."""

LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,  # a connection that broke in the middle of a statement
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.TooManyConnectionsError,
    asyncpg.InsufficientResourcesError,
    asyncpg.QueryCanceledError,
    ConnectionError,
    TimeoutError,
    OSError,
)
"""The database, not the request, failed."""

REDO = (
    asyncpg.DeadlockDetectedError,
    asyncpg.SerializationError,
    asyncpg.InvalidCachedStatementError,
    asyncpg.LockNotAvailableError,
)
"""The whole unit of work is done again from its first statement."""


class Redo(Transient):
    """Two units met (deadlock, stale statement): the same unit, done again at once, goes through."""


def role_of(service: str) -> str:
    """The database role of a service: it sees its own schema and nothing else."""
    return f"{ROLE_PREFIX}{service}"


@contextmanager
def mapped_errors() -> Iterator[None]:
    """The driver's exceptions as the platform's own."""
    try:
        yield
    except REDO as cause:
        raise Redo("数据库事务冲突,正在重做", f"units met, redo: {type(cause).__name__}") from cause
    except asyncpg.UniqueViolationError as cause:
        raise Conflict(
            "ALREADY_THERE", f"已存在({cause.constraint_name})", f"already there ({cause.constraint_name})"
        ) from cause
    except asyncpg.DiskFullError as cause:
        # Readiness does not show it, since reading goes on; a traceback each time would fill what is left.
        log.error("disk_full")  # noqa: TRY400
        raise Transient(
            "数据库所在的磁盘已满,没有保存;请运维腾出空间后再试",
            "the database's disk is full, nothing was stored: the operator must make room, then try again",
            retry_after=RETRY_AFTER,
        ) from cause
    except LOST as cause:
        raise Transient(
            "数据库暂时不可用,请稍后再试",
            f"the database does not answer, try again soon: {type(cause).__name__}",
            retry_after=RETRY_AFTER,
        ) from cause


async def _keep_session(conn: asyncpg.Connection) -> None:
    # Units set nothing beyond their own transaction, so the usual RESET ALL (a round trip a use) is not needed.
    if conn.is_in_transaction():
        await conn.execute("ROLLBACK")


def _told(conn: asyncpg.Connection, role: str | None) -> None:
    """Where a test makes the answer to COMMIT be lost on its way, with the connection."""
    try:
        hit("database.after_commit", (role or "").removeprefix(ROLE_PREFIX))
    except Transient:
        conn.terminate()
        raise


class Database:
    """A pool whose transactions run in a role. `open` raises `Transient` while nobody answers."""

    def __init__(self, dsn: str, size: int = 10) -> None:
        self.dsn = dsn
        self._size = size
        self._pool: asyncpg.Pool[Any] | None = None
        self._waiting: dict[object, float] = {}

    async def open(self) -> None:
        """Connects, once; a wrong address or password stops the start by the setting's name."""
        if self._pool is not None:
            return
        try:
            with mapped_errors():
                self._pool = await asyncpg.create_pool(
                    self.dsn,
                    min_size=1,
                    max_size=self._size,
                    command_timeout=30,
                    timeout=10,
                    reset=_keep_session,
                    max_inactive_connection_lifetime=120,
                    server_settings={
                        "application_name": "onewindow",
                        "timezone": "UTC",
                        "jit": "off",
                        "idle_in_transaction_session_timeout": HUNG,
                    },
                )
        except (asyncpg.InvalidPasswordError, asyncpg.InvalidCatalogNameError, ValueError) as cause:
            raise Misconfigured(
                "ONEWINDOW_DATABASE_URL", f"连不上数据库:{cause}", f"cannot open the database: {cause}"
            ) from cause

    async def close(self) -> None:
        """Lets running transactions end, then hangs up."""
        if self._pool is not None:
            try:
                await asyncio.wait_for(self._pool.close(), 5)
            except TimeoutError:
                self._pool.terminate()
            self._pool = None

    @property
    def longest_wait(self) -> float:
        """Seconds of real time that whoever has waited longest for a connection has waited until now."""
        return monotonic() - min(self._waiting.values()) if self._waiting else 0.0

    @asynccontextmanager
    async def connection(self, timeout: float = 5.0) -> AsyncIterator[asyncpg.Connection]:
        """A connection outside any transaction, in the login's own role."""
        if self._pool is None:
            raise Transient("数据库未连接", "the database is not connected", retry_after=RETRY_AFTER)
        with mapped_errors():
            conn = await self._acquire(self._pool, timeout)
            try:
                yield conn
            finally:
                await self._pool.release(conn)

    async def _acquire(self, pool: asyncpg.Pool[Any], timeout: float) -> asyncpg.Connection:
        waiter = object()
        self._waiting[waiter] = monotonic()
        try:
            return await pool.acquire(timeout=timeout)
        finally:
            del self._waiting[waiter]

    @asynccontextmanager
    async def transaction(
        self, role: str | None = None, *, read_only: bool = False
    ) -> AsyncIterator[asyncpg.Connection]:
        """One transaction in a role; committed at the end, rolled back on any exception."""
        async with self.connection() as conn:
            # One simple query for BEGIN and the role: a round trip less than the driver's own transaction object.
            begin = "BEGIN READ ONLY" if read_only else "BEGIN"
            await conn.execute(f"{begin}; SET LOCAL ROLE {role}" if role else begin)
            try:
                yield conn
            except BaseException:
                if not conn.is_closed():
                    await conn.execute("ROLLBACK")
                raise
            await conn.execute("COMMIT")
            if not read_only:
                _told(conn, role)
