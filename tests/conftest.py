"""What every test may use; the larger fixtures live in `tests/support/`."""

from __future__ import annotations

import logging
import os

import pytest

from shared import log

pytest_plugins = ["tests.support.database", "tests.support.kafka", "tests.support.platform", "tests.support.apart"]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):  # type: ignore[no-untyped-def]
    """Under `ONEWINDOW_TEST_STRICT=1` a skipped test is a failed one: a missing tool must not pass for success."""
    outcome = yield
    report = outcome.get_result()
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("ONEWINDOW_TEST_STRICT") == "1":
        report.outcome = "failed"
        report.longrepr = f"skipped under ONEWINDOW_TEST_STRICT: {report.longrepr}"


@pytest.fixture(scope="session", autouse=True)
def _logs_as_the_platform_writes_them() -> None:
    """Unconfigured, structlog draws tracebacks with every local in them: a second each, and personal data shown."""
    handlers = list(logging.root.handlers)
    log.configure("WARNING")
    logging.root.handlers[:] = handlers
