"""Accounts: who is let in, and how often somebody may try to sign in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from shared.messages import derived_id

AccountKind = Literal["staff", "citizen", "partner", "department"]
Refusal = Literal["unknown", "wrong_secret", "disabled", "wrong_grant"]


def account_id(account: str) -> UUID:
    """The id of the account of this name; a name is never given twice."""
    return derived_id("account", account)


def refuse_sign_in(kind: str | None, grant: str, *, disabled: bool, secret_fits: bool) -> Refusal | None:
    """Why somebody is not let in, for the audit alone; None lets in. `kind` is None for an unknown name."""
    if kind is None:
        return "unknown"
    if not secret_fits:
        return "wrong_secret"
    if disabled:
        return "disabled"
    return None if (kind == "department") == (grant == "client_credentials") else "wrong_grant"


FREE_TRIES: Final = 5
FREE_TRIES_OF_ADDRESS: Final = 100
"""A whole hall may share one address; whoever guesses at many names from one is slowed by this."""
FIRST_WAIT: Final = timedelta(seconds=15)
LONGEST_WAIT: Final = timedelta(minutes=15)
FORGOTTEN_AFTER: Final = timedelta(hours=1)
"""How long wrong tries are remembered: a person who mistyped in the morning starts afresh after lunch."""


def failures_now(failures: int, last: datetime | None, now: datetime) -> int:
    """The wrong tries that still count."""
    return 0 if last is None or now - last >= FORGOTTEN_AFTER else failures


def wait_to_try(failures: int, last: datetime | None, now: datetime, free: int = FREE_TRIES) -> timedelta:
    """How long a name, or an address, must wait before it may try again: nothing at first, then doubling, never for ever."""
    counted = failures_now(failures, last, now)
    if last is None or counted < free:
        return timedelta(0)
    pause = min(FIRST_WAIT * (1 << min(counted - free, 10)), LONGEST_WAIT)
    return max(timedelta(0), last + pause - now)
