"""What a token of the outside issuer (OIDC) must say before it opens a session; its signature is checked elsewhere.

The issuer says who somebody is, never what they may do: roles come from our own units and dates alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal

from shared.identity import check_id_no
from shared.masking import mask_name
from shared.person_index import PersonIndex

SKEW: Final = timedelta(seconds=30)
"""How far apart the clocks of two machines may be."""
LONGEST: Final = timedelta(hours=24)
"""How long a token of the issuer may hold: one that never ends could not be taken back."""
_MOST: Final = 200
"""Characters of a name or subject."""

Fault = Literal["issuer", "audience", "client", "dates", "subject"]


@dataclass(frozen=True, slots=True)
class Expected:
    """What we expect: the issuer, who it is meant for, and the clients it may have been given to."""

    issuer: str
    audience: str
    clients: frozenset[str]


def check_claims(claims: Mapping[str, Any], expected: Expected, now: datetime) -> Fault | None:
    """What is wrong with the claims of a token whose signature is the issuer's; None for nothing."""
    if claims.get("iss") != expected.issuer:
        return "issuer"
    meant = claims.get("aud")
    audience = meant if isinstance(meant, list) else [meant]
    if expected.audience not in audience:
        return "audience"
    client = claims.get("azp")
    if (client is None and len(audience) > 1) or (client is not None and client not in expected.clients):
        return "client"
    if not _holds(claims, now):
        return "dates"
    subject = claims.get("sub")
    return None if isinstance(subject, str) and 0 < len(subject) <= _MOST else "subject"


def _holds(claims: Mapping[str, Any], now: datetime) -> bool:
    issued, expires, begins = claims.get("iat"), claims.get("exp"), claims.get("nbf", claims.get("iat"))
    if not all(isinstance(n, int | float) and not isinstance(n, bool) for n in (issued, expires, begins)):
        return False
    at, skew = now.timestamp(), SKEW.total_seconds()
    begun = max(issued, begins) - skew <= at
    return begun and at < expires and expires - issued <= LONGEST.total_seconds()  # type: ignore[operator]


def subject_of(claims: Mapping[str, Any], index: PersonIndex) -> str:
    """The keyed reference that stands for the issuer's subject; the subject itself may be personal, and
    one that differs in a letter is somebody else (OIDC Core, 2)."""
    return index.exact("oidc-subject", f"{claims['iss']}\n{claims['sub']}")


@dataclass(frozen=True, slots=True)
class Citizen:
    """A citizen whom the issuer has identified: masked name, and the reference made of the number."""

    name: str
    person_ref: str


def citizen_of(claims: Mapping[str, Any], claim: str, index: PersonIndex, today: date) -> Citizen | None:
    """The citizen whose verified identity number stands in `claim`; None where it holds none that can be."""
    number, name = claims.get(claim), claims.get("name")
    if not isinstance(number, str) or check_id_no("resident_id", number, today) is not None:
        return None
    shown = mask_name(name) if isinstance(name, str) and 0 < len(name) <= _MOST else "*"
    return Citizen(shown, index.person_ref("resident_id", number))
