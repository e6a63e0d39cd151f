"""The door: who is let in, by which proof, into which session; and how sessions go on and end.

Wrong tries are rows, so that every process counts the same ones. Their times, and those of sessions and tokens, are
the machine's: under a virtual clock that stands still nobody would be let in again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any, Final
from uuid import UUID
from weakref import WeakValueDictionary

import structlog

from services.access.api.issuer import Issuer, NotTheirs
from services.access.domain.accounts import Refusal, account_id, refuse_sign_in
from services.access.domain.outside import citizen_of, subject_of
from services.access.domain.sessions import (
    Cause,
    Limits,
    Session,
    Sessions,
    end_sessions,
    limits_for,
    open_session,
    renew_session,
)
from services.access.domain.units import roles_on
from services.access.store import accounts, relatives
from services.access.store.secrets import Secrets
from shared.administrators import ADMINISTRATORS
from shared.changes import Changes, Ctx
from shared.clock import SystemClock, beijing_date, new_id
from shared.errors import Conflict, Refused, RefusedError
from shared.http import tokens
from shared.http.auth import Principal, RoleInUnit
from shared.http.limiter import RateLimiter
from shared.http.refusals import HttpError, extended, too_many, unauthenticated
from shared.metrics import METRICS
from shared.person_index import PersonIndex
from shared.policy import NATION
from shared.spec import ServiceHandle

log = structlog.get_logger("security")
KIND: Final = "sessions"
CITIZEN: Final = "oidc-"


class Door:
    """Lets people in, one for a running service."""

    def __init__(self, handle: ServiceHandle) -> None:
        self._handle = handle
        self._clock = SystemClock()
        self._secrets = Secrets()
        # A whole hall may share one address; guessing at one name is slowed by that name's own count.
        self._from_address = RateLimiter(300, 60)
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    # --- by a secret of ours ------------------------------------------------------------------------------------------

    async def enter(self, grant: str, name: str, secret: str, address: str) -> dict[str, Any]:
        """The answer of RFC 6749, 5.1; raises 401 for a wrong name or secret alike, 429 after too many."""
        self._from_address.check(address)
        return await self._let_in(await self._proved(grant, name, secret, address))

    async def _proved(self, grant: str, name: str, secret: str, address: str) -> accounts.Account:
        turn = self._turns.setdefault(name, asyncio.Lock())
        async with turn:  # one try a name at a time: those sent together would all be let pass before one is counted
            return await self._try(grant, name, secret, address)

    async def _try(self, grant: str, name: str, secret: str, address: str) -> accounts.Account:
        async with self._handle.read() as conn:
            wait = await accounts.wait(conn, name, address, self._clock.now())
            found = None if wait else await accounts.find(conn, name)
        if wait:
            raise too_many(wait.total_seconds())
        fits = await self._secrets.fits(secret, found.secret if found else None)
        kind = found.kind if found else None
        why = refuse_sign_in(kind, grant, disabled=bool(found and self._closed(found)), secret_fits=fits)
        if found is None or why is not None:
            await self._refused(name, address, found, why or "unknown")
            raise _not_let_in()
        return found

    def _closed(self, found: accounts.Account) -> bool:
        """Disabled, or made for a demonstration that this platform is not any more."""
        stale = accounts.DEMONSTRATION in found.scopes and not self._handle.settings.demo
        return stale or found.disabled_at is not None

    async def _refused(self, name: str, address: str, found: accounts.Account | None, why: Refusal) -> None:
        actor = found.account if found else "unknown"
        async with self._handle.write(actor) as conn:
            await accounts.count_failure(conn, name, address, self._clock.now())
            identity = str(found.id) if found else ""
            await accounts.audit(conn, self._handle.clock.now(), actor, "SignInRefused", identity, reason=why)

    # --- by a token of the outside issuer -----------------------------------------------------------------------------

    async def exchange(self, token: str) -> dict[str, Any]:
        """One of our tokens for one that the outside issuer made for us; 401 for any other."""
        issuer = Issuer.of(self._handle)
        try:
            if issuer is None:
                raise NotTheirs("issuer")
            found = await self._whose(await issuer.verify(token))
            if found is None or self._closed(found):
                raise NotTheirs("unknown_person")
        except NotTheirs as fault:
            METRICS.tokens_refused.labels(str(fault)).inc()
            log.warning("outside_token_refused", reason=str(fault))
            raise _not_let_in() from None
        return await self._let_in(found, sha256(token.encode()).hexdigest())

    async def _whose(self, claims: Mapping[str, Any]) -> accounts.Account | None:
        """The account of the issuer's subject: the linked one, else the one its claims name, bound to it from then."""
        index = PersonIndex(self._handle.keyring.index_key)
        subject = subject_of(claims, index)
        async with self._handle.read() as conn:
            known = await accounts.linked(conn, subject)
        if known is not None:
            return known
        name = claims.get(self._handle.settings.oidc_account_claim or "")
        async with self._handle.read() as conn:
            found = await accounts.find(conn, name) if isinstance(name, str) else None
        if found is not None:
            return found if await self._bind(subject, found) else None
        return await self._citizen(subject, claims, index)

    async def _bind(self, subject: str, found: accounts.Account) -> bool:
        """Whether a claim's word is enough to bind an account: not for an administrator, whom a security officer links
        by hand, nor a second time."""
        async with self._handle.read() as conn:
            held = await accounts.assignments(conn, found.account)
        ruling = any(a.role in ADMINISTRATORS for a in held if a.account == found.account)
        return not ruling and not self._closed(found) and await self.link(subject, found, "issuer")

    async def _citizen(self, subject: str, claims: Mapping[str, Any], index: PersonIndex) -> accounts.Account | None:
        claim = self._handle.settings.oidc_identity_claim
        today = beijing_date(self._clock.now())
        citizen = citizen_of(claims, claim, index, today) if claim else None
        if citizen is None:
            return None
        name = f"{CITIZEN}{subject.rpartition('_')[2][:24]}"
        now = self._handle.clock.now()
        async with self._handle.write(name) as conn:
            await accounts.open_citizen(conn, name, citizen.name, citizen.person_ref, now)
            await accounts.link(conn, subject, name, now)
            await accounts.audit(conn, now, name, "OutsideCitizenKnown", str(account_id(name)))
            return await accounts.find(conn, name)

    async def link(self, subject: str, found: accounts.Account, actor: str) -> bool:
        """Binds a subject of the issuer to an account; False when either is bound already."""
        now = self._handle.clock.now()
        async with self._handle.write(actor) as conn:
            bound = await accounts.link(conn, subject, found.account, now)
            if bound:
                await accounts.audit(conn, now, actor, "OutsideSubjectLinked", str(found.id))
        return bound

    # --- sessions -----------------------------------------------------------------------------------------------------

    async def _let_in(self, found: accounts.Account, proof: str | None = None) -> dict[str, Any]:
        who = await self._principal(found)
        async with self._handle.write(found.account) as conn:
            await accounts.clear_failures(conn, found.account)
            await accounts.audit(conn, self._handle.clock.now(), found.account, "SignedIn", str(found.id))
        now, limits = self._clock.now(), self._limits(who)
        fresh = Session(id=new_id(), started_at=now, expires_at=now + min(limits.idle, limits.longest), proof=proof)

        def open_(state: Sessions | None, _: Ctx) -> tuple[Changes[Sessions], Session]:
            return open_session(state, found.id, fresh, limits, now)

        try:
            opened: Session = await self._command(found.id, open_, "open_session", found.account)
        except Conflict:
            raise _not_let_in() from None
        return self._token(who, opened.id, opened.expires_at, now)

    async def renew(self, who: Principal) -> dict[str, Any]:
        """The next token of the caller's session, with the roles held now; 401 when the session may not go on."""
        async with self._handle.read() as conn:
            found = await accounts.find(conn, who.account)
        if found is None or self._closed(found) or who.session is None:
            raise _over()
        fresh, session = await self._principal(found), who.session
        now, limits = self._clock.now(), self._limits(fresh)

        def renew(state: Sessions | None, _: Ctx) -> tuple[Changes[Sessions], datetime]:
            return renew_session(state, session, limits, now)

        try:
            until = await self._command(found.id, renew, "renew_session", found.account)
        except Conflict:
            raise _over() from None
        return self._token(fresh, session, until, now)

    async def end(self, account: str, cause: Cause, actor: str, only: UUID | None = None) -> int:
        """Ends the sessions of an account, or one of them; how many ended."""
        identity, now = account_id(account), self._clock.now()

        def end(state: Sessions | None, _: Ctx) -> tuple[Changes[Sessions], int]:
            return end_sessions(state, identity, cause, now, None if only is None else {only})

        ended: int = await self._command(identity, end, "end_sessions", actor)
        return ended

    async def change_password(self, who: Principal, old: str, new: str, address: str) -> int:
        """Keeps the hash of the new secret, and ends every session that the old one opened; how many."""
        if old == new or who.account.casefold() in new.casefold():
            raise RefusedError(Refused("WEAK_SECRET"))
        found = await self._proved("password", who.account, old, address)
        kept = await self._secrets.hash(new)
        async with self._handle.write(who.account) as conn:
            await accounts.set_secret(conn, found.id, kept)
            await accounts.audit(conn, self._handle.clock.now(), who.account, "SecretChanged", str(found.id))
        return await self.end(who.account, "password_changed", who.account)

    # --- inside -------------------------------------------------------------------------------------------------------

    async def _command(self, identity: UUID, command: Any, name: str, actor: str) -> Any:
        command.__name__ = name  # the audit row names what was done
        return await self._handle.command(KIND, identity, command, actor=actor)

    async def _principal(self, found: accounts.Account) -> Principal:
        async with self._handle.read() as conn:
            assignments = await accounts.assignments(conn, found.account)
            units = await accounts.units_of(conn, assignments)
            kin = await relatives.kin_of(conn, found.account) if found.kind == "staff" else frozenset()
        held = roles_on(found.account, assignments, units, beijing_date(self._handle.clock.now()))
        roles = tuple(RoleInUnit(*role) for role in held)
        scopes = tuple(scope for scope in found.scopes if scope != accounts.DEMONSTRATION)
        return Principal(found.account, found.name, found.kind, roles, scopes, found.person_ref, kin)

    def _limits(self, who: Principal) -> Limits:
        rule = "access.sessions.demonstration" if self._handle.settings.demo else "access.sessions"
        figures = self._handle.policy.find(rule, NATION, beijing_date(self._clock.now())).value
        return limits_for([r.role for r in who.roles], figures, tokens.LIFETIME)

    def _token(self, who: Principal, session: UUID, until: datetime, now: datetime) -> dict[str, Any]:
        kid, key = self._handle.keyring.signing_key
        return {
            "access_token": tokens.issue(who, kid, key, now, until - now, session),
            "token_type": "bearer",
            "expires_in": int((until - now).total_seconds()),
            "scope": " ".join(who.scopes),
        }


def _not_let_in() -> HttpError:
    return extended(unauthenticated("INVALID_CREDENTIALS"), error="invalid_grant")


def _over() -> HttpError:
    return unauthenticated("SESSION_ENDED")
