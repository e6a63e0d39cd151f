"""Logs: one line an event, JSON when piped; values that may be personal are dropped by an allow-list of fields."""

from __future__ import annotations

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

ALLOWED = frozenset(
    [
        "event",
        "level",
        "timestamp",
        "logger",
        "exception",
        "service",
        "worker",
        "consumer",
        "topic",
        "partition",
        "offset",
        "reason",
        "cause",
        "source",
        "action",
        "status",
        "code",
        "route",
        "method",
        "seconds",
        "port",
        "url",
        "pid",
        "count",
        "name",
        "key_id",
        "setting",
        "request_id",
        "case_id",
        "item_id",
        "application_no",
        "exc_info",
        "notice",
        "number",
        "hash",
        "at",
        "kid",
        "signature",
    ]
)
"""Fields that may stand in a log line; none of them is personal. Others are dropped, and their names are kept."""


def _only_allowed(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    dropped = [name for name in event if name not in ALLOWED]
    for name in dropped:
        del event[name]
    if dropped:
        event["name"] = f"dropped:{','.join(sorted(dropped))}"
    return event


def configure(level: str) -> None:
    """Sets up logging for the process; lines go to standard error."""
    logging.basicConfig(level=level, stream=sys.stderr, format="%(name)s %(message)s", force=True)
    for noisy in ("asyncio", "alembic", "uvicorn.access"):
        logging.getLogger(noisy).setLevel(max(logging.WARNING, logging.getLevelName(level)))
    terminal = sys.stderr.isatty()
    structlog.configure(
        processors=[
            _only_allowed,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
