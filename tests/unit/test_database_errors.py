"""The driver's errors in the words of the house: whoever reads them knows what to do."""

from __future__ import annotations

import asyncpg
import pytest
import structlog.testing

from shared.db.engine import mapped_errors
from shared.errors import Transient


def test_a_full_disk_is_told_to_the_caller_and_to_the_operator() -> None:
    with structlog.testing.capture_logs() as lines, pytest.raises(Transient) as told, mapped_errors():
        raise asyncpg.DiskFullError("could not extend file")
    assert "磁盘已满" in told.value.detail_zh
    assert "disk is full" in told.value.detail_en
    assert told.value.retry_after
    assert [(line["event"], line["log_level"]) for line in lines] == [("disk_full", "error")]


def test_a_database_that_is_away_is_no_full_disk() -> None:
    with structlog.testing.capture_logs() as lines, pytest.raises(Transient) as told, mapped_errors():
        raise asyncpg.TooManyConnectionsError("too many")
    assert "磁盘" not in told.value.detail_zh
    assert lines == []
