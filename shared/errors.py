"""What can go wrong, by what the catcher must do; a refusal by rule is a value, not an exception."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from shared.codes import CODES, words

if TYPE_CHECKING:
    from uuid import UUID

    from shared.release import Release

NEWER_RETRY_AFTER: Final = 2.0


class OneWindowError(Exception):
    """Root of every error of the platform: catch it only at an edge, and answer by its kind.

    Details are for people: what happened and what to do, in Chinese and English, never a personal datum.
    With one of the two given it stands for both, with none the code's own words.
    """

    code = "INTERNAL"

    def __init__(self, detail_zh: str = "", detail_en: str = "", *, code: str | None = None) -> None:
        self.code = code or type(self).code
        if not (detail_zh or detail_en):
            detail_zh, detail_en = words(self.code)
        self.detail_zh = detail_zh or detail_en
        self.detail_en = detail_en or detail_zh
        super().__init__(self.code, self.detail_zh, self.detail_en)

    def __str__(self) -> str:
        return f"{self.code}: {' / '.join(dict.fromkeys(filter(None, (self.detail_zh, self.detail_en))))}"


class Transient(OneWindowError):
    """The world failed, not the message: the catcher tries again later (HTTP: 503 with `Retry-After`, in seconds)."""

    code = "TRANSIENT"

    def __init__(self, detail_zh: str = "", detail_en: str = "", *, retry_after: float | None = None) -> None:
        super().__init__(detail_zh, detail_en)
        self.retry_after = retry_after


class NewerRelease(Transient):
    """Only a newer release may touch this: the catcher leaves it as it is, for a copy of release `needs` or later.

    `met` names the aggregates that are so, where some are.
    """

    code = "NEWER_RELEASE"

    def __init__(self, what: str, needs: Release, met: Iterable[UUID] = ()) -> None:
        super().__init__(
            f"{what}:须由 {needs} 或更新的版本处理,请完成升级",
            f"{what}: only release {needs} or later may handle this, finish the upgrade",
            retry_after=NEWER_RETRY_AFTER,
        )
        self.what, self.needs, self.met = what, needs, tuple(met)


class Poison(OneWindowError):
    """This message can never succeed as it is: the catcher parks it with everything later of its key."""

    code = "POISON"


class TooLarge(Poison):
    """What was asked for makes a message that the bus does not take: nothing is stored (HTTP: 413)."""

    code = "TOO_LARGE"


class Unpublishable(OneWindowError):
    """The bus does not take this message, today or tomorrow: the relay sets it aside and goes on with the others."""

    code = "UNPUBLISHABLE"


class UnknownType(Poison):
    """No event of this type and version stands in the catalogue of this release; a newer one may have it."""


class Undecodable(Poison):
    """These bytes are no event of ours, not even whose they are is known: the catcher sends them to the dead letters."""

    code = "UNDECODABLE"


class Conflict(OneWindowError):
    """The state has moved on: the catcher answers 409 with `code`; the caller reads again and decides anew."""

    code = "CONFLICT"

    def __init__(self, code: str, detail_zh: str = "", detail_en: str = "") -> None:
        super().__init__(detail_zh, detail_en, code=code)


class Misconfigured(OneWindowError):
    """A setting is wrong or missing: the catcher stops the start, printing the setting and what would be right."""

    code = "MISCONFIGURED"

    def __init__(self, setting: str, detail_zh: str = "", detail_en: str = "") -> None:
        self.setting = setting
        super().__init__(f"{setting}: {detail_zh or detail_en}", f"{setting}: {detail_en or detail_zh}")


class KeyMissing(Misconfigured):
    """A key is not held, at the start or when something names it: whoever works with it waits, named, until it is brought."""


@dataclass(frozen=True, slots=True)
class Refused:
    """A refusal by rule, returned and never raised by domain code; `law` cites document and article."""

    code: str
    law: str = ""
    detail_zh: str = ""
    detail_en: str = ""


class RefusedError(OneWindowError):
    """A refusal on its way out through the HTTP edge: the catcher answers its problem document, nothing is retried."""

    def __init__(self, refused: Refused) -> None:
        self.refused = refused
        super().__init__(refused.detail_zh, refused.detail_en, code=refused.code)


@dataclass(frozen=True, slots=True)
class FieldError:
    """One wrong field: where (JSON pointer), which stable code, and what would be right: the code's own words, unless
    more is said."""

    pointer: str
    code: str
    message: str = ""

    def __post_init__(self) -> None:
        if not self.message:
            object.__setattr__(self, "message", CODES.get(self.code, ""))


class Invalid(OneWindowError):
    """What was handed in is wrong: the catcher answers 422 with one entry a field, and stores nothing."""

    code = "INVALID"

    def __init__(self, errors: Iterable[FieldError], detail_zh: str = "", detail_en: str = "") -> None:
        self.errors: list[FieldError] = list(errors)
        named = ", ".join(f"{e.pointer} {e.code}" for e in self.errors)
        super().__init__(detail_zh or f"填写有误:{named}", detail_en or f"wrong fields: {named}")
