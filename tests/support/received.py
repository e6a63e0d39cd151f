"""An application as intake has just received it, and what the coordinator says of it, for tests of pure functions."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from services.intake.domain.check import Here, check
from services.intake.domain.follow import follow
from services.intake.domain.model import Application
from services.intake.domain.receive import Arrival, receive
from services.intake.tables import PAPER
from shared.catalog.protocol import CaseView, ItemConcluded, ItemView, Result
from shared.catalog.registry import load
from shared.changes import Changes, Ctx
from shared.outcomes import ApplicationStatus, ItemStatus
from shared.policy import Policy
from tests.support.catalogue import SAMPLE
from tests.support.fake_ctx import fake_ctx, keyring

NOW = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
CASE = UUID(int=7)
NUMBER = "42011220261123010000013"
CATALOG = load()
POLICY = Policy.load(Path(__file__).parents[2] / "services/intake/policy")


def unit(
    code: str, kind: str, region: str, parent: str | None = None, services: tuple[str, ...] = ()
) -> dict[str, Any]:
    return {
        "code": code,
        "kind": kind,
        "name": code,
        "region": region,
        "parent": parent,
        "valid_from": "2020-01-01",
        "valid_to": None,
        "attributes": {"services": list(services)},
    }


UNITS = {
    u["code"]: u
    for u in (
        unit("420112", "county", "420112"),
        unit("420112-CA", "section", "420112", "420112", ("funeral", "marriage", "elderly", "assistance")),
        unit("420112-HALL", "hall", "420112", "420112"),
        unit("420112001000", "town", "420112001000", "420112"),
        unit("FH-420112-01", "partner", "420112", "420112"),
    )
}


def ctx(now: datetime = NOW, actor: str = "clerk") -> Ctx:
    made = fake_ctx("intake", now, UNITS, policy=POLICY, catalog=CATALOG, actor=actor)
    return replace(made, keyring=keyring(*CATALOG.services))


def submission(**changed: Any) -> dict[str, Any]:
    return {**deepcopy(SAMPLE), **changed}


def received(
    raw: dict[str, Any] | None = None, now: datetime = NOW, names: dict[str, str] | None = None
) -> Changes[Application]:
    """The application as it was received."""
    checked, errors = check(raw or submission(), Here(CATALOG, list(UNITS.values()), now))
    assert errors == []
    assert checked is not None
    return receive(checked, Arrival(CASE, NUMBER, "0" * 64, None, "420112-HALL", ("clerk",), names or {}), ctx(now))[0]


def view_of(state: Application, *changed: ItemView, closed_at: datetime | None = None) -> CaseView:
    """The coordinator's view with these items as they are now."""
    fresh = {i.item_id: i for i in changed}
    return CaseView(
        case_id=state.id,
        application_no=state.application_no,
        bundle=state.bundle,
        accept_region=state.accept_region,
        status=ApplicationStatus.IN_PROGRESS,
        received_at=state.received_at,
        closed_at=closed_at,
        items=tuple(fresh.get(i.item_id, i) for i in state.items),
    )


def item_of(state: Application, matter: str) -> ItemView:
    return next(i for i in state.items if i.matter == matter)


def concluded(
    state: Application, matter: str, outcome: ItemStatus, at: datetime = NOW, **result: Any
) -> Changes[Application]:
    """The item came to this end."""
    item = item_of(state, matter)
    said = Result(**{"outcome": outcome, "reason_code": "DECIDED_BY_PERSON", "law": "", **result})
    now = item.model_copy(update={"status": outcome, "result": said})
    message = ItemConcluded(
        case=view_of(state, now), at=at, item_id=item.item_id, round=item.round, outcome=outcome, result=said
    )
    return follow(state, message, ctx(at))


def paper_rows(changes: Changes[Any]) -> list[dict[str, Any]]:
    """The papers that these changes make."""
    return [dict(put.values) for put in changes.puts if put.table is PAPER]
