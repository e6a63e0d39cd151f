"""Lists by keyset: `{items, next|null}`, where `next` is the place after the last row shown."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

import orjson
from fastapi import Query

from shared.clock import as_utc
from shared.errors import FieldError, Invalid

LIMIT: Final = 50
MOST: Final = 200
Row = TypeVar("Row")
_READ: Final[dict[type, Callable[[Any], Any]]] = {
    datetime: lambda text: as_utc(datetime.fromisoformat(text)),
    date: date.fromisoformat,
    UUID: lambda text: UUID(_typed(str, text)),
}


@dataclass(frozen=True, slots=True)
class Paging:
    """How much of a list is wanted, and after which place; `fetch` rows tell whether there is more."""

    after: str | None = None
    limit: int = LIMIT

    @property
    def fetch(self) -> int:
        """Rows to ask the database for: one more than shown."""
        return self.limit + 1

    def place(self, *kinds: type) -> tuple[Any, ...] | None:
        """The sort key after which to go on, of these types; None at the beginning; `Invalid` for no cursor of ours."""
        if self.after is None:
            return None
        try:
            values = orjson.loads(urlsafe_b64decode(self.after.encode("ascii") + b"=="))
            return tuple(_typed(kind, value) for kind, value in zip(kinds, values, strict=True))
        except (ValueError, TypeError, OverflowError):
            raise Invalid([FieldError("/query/after", "CURSOR_INVALID")]) from None

    def page(
        self, rows: Sequence[Row], key: Callable[[Row], tuple[Any, ...]], render: Callable[[Row], Any]
    ) -> dict[str, Any]:
        """The page of the rows fetched: `key` gives a row's sort key, in the order that `place` reads it."""
        shown = rows[: self.limit]
        more = len(rows) > self.limit
        return {"items": [render(row) for row in shown], "next": cursor(*key(shown[-1])) if more else None}


def cursor(*values: Any) -> str:
    """An opaque place in a list."""
    return urlsafe_b64encode(orjson.dumps(values, default=str)).decode("ascii").rstrip("=")


async def paging(
    after: str | None = Query(None, max_length=500, description="上一页的 next / `next` of the page before"),
    limit: int = Query(LIMIT, ge=1, le=MOST),
) -> Paging:
    """The dependency of every list: `where: Annotated[Paging, Depends(paging)]`."""
    return Paging(after, limit)


def _typed(kind: type, value: Any) -> Any:
    if kind in _READ:
        return _READ[kind](value)
    if type(value) is not kind:
        raise TypeError(kind)
    return value
