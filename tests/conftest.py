"""What every test may use; the larger fixtures live in `tests/support/`."""

from __future__ import annotations

import logging
import os

import pytest
from hypothesis import settings

from shared import log
from shared.config import PREFIX

pytest_plugins = ["tests.support.database", "tests.support.kafka", "tests.support.platform", "tests.support.apart"]
# A machine that stands still for a moment breaks no promise of a property, and the same tree is tried with the same
# examples wherever it is; `--hypothesis-profile=default` looks further, at random.
settings.load_profile("ci")
OURS = {f"{PREFIX}{name}" for name in ("TEST_STRICT", "ROUNDS", "SEED")}


def pytest_configure() -> None:
    """The settings around us belong to another platform: a test says its own."""
    for name in [name for name in os.environ if name.startswith(PREFIX) and name not in OURS]:
        del os.environ[name]


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
