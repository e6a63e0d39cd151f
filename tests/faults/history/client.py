"""What a client saw, written down as it sees it, so that a client that is killed has still told the truth."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self


class ClientLog:
    """Appends one line for everything that a client does or sees; each is handed to the system at once.

    Write `submitted` and `withdrawing` before the call and the answer after it: what lies between is in doubt.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", buffering=1)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, cause: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Nothing more was seen."""
        self._file.close()

    def submitted(self, key: str) -> None:
        """An application is about to be handed in under this idempotency key."""
        self._write("submitted", key=key)

    def answered(self, key: str, status_code: int, application: Mapping[str, Any] = MappingProxyType({})) -> None:
        """What came back, whatever it was; of the body only the case and its number are kept."""
        known = {name: application[name] for name in ("case_id", "application_no") if name in application}
        self._write("answered", key=key, status_code=status_code, **known)

    def concluded(self, application: Mapping[str, Any]) -> None:
        """An application as it was read when it was over (the contract's shape)."""
        items = [{name: item[name] for name in ("id", "matter", "status", "round")} for item in application["items"]]
        same = {name: application[name] for name in ("case_id", "status", "outcome")}
        self._write("concluded", **same, items=items)

    def withdrawing(self, key: str, case_id: str) -> None:
        """A withdrawal is about to be asked for."""
        self._write("withdrawing", key=key, case_id=case_id)

    def withdrawn(self, key: str, case_id: str, status_code: int) -> None:
        """What came back; 202 says that it was taken."""
        self._write("withdrawn", key=key, case_id=case_id, status_code=status_code)

    def rest(self) -> None:
        """All work is done: every lag is 0 and nothing is due. To be said before the bus is read."""
        self._write("rest")

    def _write(self, saw: str, **what: Any) -> None:
        at = datetime.fromtimestamp(time.time_ns() / 1e9, UTC).isoformat()
        self._file.write(json.dumps({"saw": saw, "at": at, **what}, ensure_ascii=False, default=str) + "\n")
