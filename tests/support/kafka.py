"""A real Kafka node a test session, topics and groups of its own for whoever asks."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from deploy.kafka.jars import NoKafka
from deploy.kafka.local import LocalKafka
from deploy.kafka.settings import ADMIN
from shared.catalog.registry import load
from tests.support.places import passing_folder

_numbers = itertools.count(1)
PASSWORDS = {name: f"only-here-{n}" for n, name in enumerate((ADMIN, *load().services))}


@pytest.fixture(scope="session")
def kafka() -> Iterator[LocalKafka]:
    """The session's broker; skipped, with the reason, where Java or Maven are missing."""
    yield from _node()


@pytest.fixture(scope="session")
def guarded() -> Iterator[LocalKafka]:
    """A second one where everyone signs in: an account a service of the catalogue, none of which may anything yet."""
    yield from _node(PASSWORDS)


def _node(accounts: dict[str, str] | None = None) -> Iterator[LocalKafka]:
    with passing_folder("onewindow-kafka-") as folder:
        try:
            node = LocalKafka(folder, scram=accounts).start()
        except NoKafka as cause:
            pytest.skip(f"no Kafka: {cause}")
        try:
            yield node
        finally:
            node.stop()


def own_url(kafka: LocalKafka) -> str:
    """The session's cluster under a prefix that nobody else has."""
    return f"{kafka.url}/t{next(_numbers)}."
