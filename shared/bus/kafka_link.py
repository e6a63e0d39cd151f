"""How to reach a Kafka cluster, and what its client's exceptions mean to the platform."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiokafka import AIOKafkaConsumer, errors
from aiokafka.conn import create_conn

from shared.bus.port import Fenced
from shared.clock import monotonic
from shared.errors import Misconfigured, Transient, Unpublishable

SETTING = "ONEWINDOW_BUS"
SCHEME = "kafka://"
REQUEST_MS = 5000
"""A request unanswered so long counts as lost; the client then asks another broker."""

OLDEST_FETCH = 4
"""Apache Kafka 4 no longer speaks the fetch protocol below this version; older brokers do."""

_FETCH_KEY = 1
_REFUSED = (
    errors.AuthenticationFailedError,
    errors.AuthenticationMethodNotSupported,
    errors.SaslAuthenticationFailed,
    errors.UnsupportedSaslMechanismError,
    errors.IllegalSaslStateError,
)
_FORBIDDEN = (
    errors.TopicAuthorizationFailedError,
    errors.GroupAuthorizationFailedError,
    errors.ClusterAuthorizationFailedError,
)
_WRONG = (
    errors.UnrecognizedBrokerVersion,
    errors.IncompatibleBrokerVersion,
    errors.UnsupportedVersionError,
    errors.InvalidTopicError,
    errors.InvalidReplicationFactorError,
    errors.PolicyViolationError,
)
_REFUSED_RECORD = (
    errors.MessageSizeTooLargeError,
    errors.RecordListTooLargeError,
    errors.InvalidTimestampError,
)
_LOST = (
    errors.CommitFailedError,
    errors.IllegalStateError,
    errors.IllegalGenerationError,
    errors.UnknownMemberIdError,
    errors.RebalanceInProgressError,
)


@dataclass(frozen=True)
class Link:
    """A cluster's address; `prefix` stands before every topic and group where several platforms share a cluster."""

    servers: str
    prefix: str = ""
    user: str | None = None
    password: str | None = None
    ca: Path | None = None

    @classmethod
    def parse(cls, url: str, user: str | None = None, password: str | None = None, ca: Path | None = None) -> Link:
        """The link that `kafka://host:port,…[/prefix]` says; raises `Misconfigured` for another form."""
        servers, _, prefix = url.removeprefix(SCHEME).partition("/")
        hosts = [server.rpartition(":") for server in servers.split(",")]
        if not url.startswith(SCHEME) or not all(host and port.isdigit() for host, _, port in hosts):
            raise Misconfigured(SETTING, f"{url} 应为 kafka://host:port,…", f"{url} must be kafka://host:port,…")
        if (user is None) != (password is None):
            raise Misconfigured(
                f"{SETTING}_PASSWORD", "账号与密码要一起给出", "an account needs a password and the reverse"
            )
        return cls(servers, prefix, user, password, ca)

    def options(self) -> dict[str, Any]:
        """What every client of the library is given."""
        found: dict[str, Any] = {"security_protocol": self._protocol()}
        if self.ca is not None:
            found["ssl_context"] = ssl.create_default_context(cafile=str(self.ca))
        if self.user is not None:
            found |= {
                "sasl_mechanism": "SCRAM-SHA-512",
                "sasl_plain_username": self.user,
                "sasl_plain_password": self.password,
            }
        return found

    def _protocol(self) -> str:
        shown = "SASL_" if self.user is not None else ""
        return f"{shown}{'SSL' if self.ca is not None else 'PLAINTEXT'}"

    async def probe(self) -> None:
        """Says by name why a cluster cannot be used; the library's own start only says that it found nobody."""
        last: BaseException = OSError("no address")
        for server in self.servers.split(","):
            host, _, port = server.rpartition(":")
            try:
                with mapped_errors():
                    conn = await create_conn(host, int(port), request_timeout_ms=REQUEST_MS, **self.options())
            except Transient as cause:
                last = cause
                continue
            oldest = conn._versions.get(_FETCH_KEY, (0, 0))[0]  # noqa: SLF001 — the library shows it nowhere else
            conn.close()
            if oldest < OLDEST_FETCH:
                raise Misconfigured(SETTING, f"{server} 不是 Apache Kafka 4", f"{server} is not Apache Kafka 4.x")
            return
        raise last


@contextmanager
def mapped_errors() -> Iterator[None]:
    """The library's exceptions as the platform's own."""
    try:
        yield
    except _LOST as cause:
        raise Fenced("分区已由他人接管", f"another member owns a partition now: {type(cause).__name__}") from cause
    except _REFUSED as cause:
        raise Misconfigured(
            f"{SETTING}_PASSWORD", "Kafka 拒绝了这个账号或密码", f"Kafka refuses the account or its password: {cause}"
        ) from cause
    except _FORBIDDEN as cause:
        raise Misconfigured(
            f"{SETTING}_USER", f"Kafka 不许这个账号这样做:{cause}", f"Kafka forbids this account that: {cause}"
        ) from cause
    except _REFUSED_RECORD as cause:
        raise Unpublishable(
            "Kafka 不收这条消息,主题的 max.message.bytes 可能太小",
            f"Kafka does not take this message ({type(cause).__name__}): the topic's max.message.bytes may be too small",
        ) from cause
    except _WRONG as cause:
        raise Misconfigured(SETTING, f"Kafka 不能这样用:{cause}", f"Kafka cannot be used so: {cause}") from cause
    except (errors.KafkaError, errors.IllegalOperation, errors.ConsumerStoppedError, OSError, TimeoutError) as cause:
        raise Transient(
            "Kafka 暂时不可用", f"Kafka does not answer, trying again: {type(cause).__name__}", retry_after=2
        ) from cause


class Seldom(logging.Filter):
    """Lets a sentence through once in so many seconds: the library says the same hundreds of times of a lost broker."""

    def __init__(self, seconds: float = 30.0) -> None:
        super().__init__()
        self._seconds = seconds
        self._said: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether it was not said lately."""
        now = monotonic()
        if now - self._said.get(str(record.msg), -self._seconds) < self._seconds:
            return False
        self._said[str(record.msg)] = now
        return True


_TALKERS = (
    "aiokafka",
    "aiokafka.conn",
    "aiokafka.client",
    "aiokafka.cluster",
    "aiokafka.consumer.consumer",
    "aiokafka.consumer.fetcher",
    "aiokafka.consumer.group_coordinator",
    "aiokafka.producer.producer",
    "aiokafka.producer.sender",
)


def quieten() -> None:
    """Has the library repeat itself seldom."""
    for name in _TALKERS:
        logger = logging.getLogger(name)
        if not any(isinstance(known, Seldom) for known in logger.filters):
            logger.addFilter(Seldom())


async def ended(stop: Any, seconds: float = 5.0) -> None:
    """Waits for a client's `stop()`, but never long and whatever comes of it: a lost broker must not hold up the end."""
    done, late = await asyncio.wait({asyncio.ensure_future(stop)}, timeout=seconds)
    for task in late:
        task.cancel()
    for task in done:
        # The library awaits tasks that it has cancelled itself, and then ends as cancelled: that is no word to us, and
        # passed on it would end, without a sound, the worker that wanted rid of the client.
        if not task.cancelled():
            task.exception()


async def thrown_away(consumer: AIOKafkaConsumer) -> None:
    """Ends a consumer with all that it runs, also where its own `stop()` breaks off on the way."""
    await ended(consumer.stop())
    for part in (consumer._fetcher, consumer._client):  # noqa: SLF001 — a stop that broke off leaves these at work
        if part is not None:
            await ended(part.close())
