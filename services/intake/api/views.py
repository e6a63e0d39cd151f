"""An application as its owner or the staff see it: results opened, people masked unless unmasking is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from services.intake.api.access import handles, hidden, owns, receives, receives_part
from services.intake.api.paper_views import listed
from services.intake.api.recorded import record
from services.intake.domain import intimate, render
from services.intake.domain.model import Application
from services.intake.domain.render import Viewpoint
from services.intake.domain.sealing import unseal
from shared.audit.readings import Ground
from shared.catalog.protocol import Finding, ItemView
from shared.crypto import Keyring
from shared.handling.limits import working_calendar
from shared.handling.masking import mask_numbers, mask_parties
from shared.handling.sealing import open_result
from shared.http.principal import Principal
from shared.spec import ServiceHandle


def viewpoint(handle: ServiceHandle) -> Viewpoint:
    """Now, with the catalogue and the calendar in force."""
    return Viewpoint(handle.clock.now(), handle.catalog, working_calendar())


def opened_results(application: Application, keyring: Keyring) -> dict[str, dict[str, Any]]:
    """The personal sides of all results, by item id; each opens under its service's key, which intake holds."""
    sealer = keyring.sealer()
    return {
        str(i.item_id): open_result(sealer, i.service, application.id, i.item_id, i.round, i.result.sealed)
        for i in application.items
        if i.result is not None and i.result.sealed is not None
    }


def opened_findings(application: Application, keyring: Keyring) -> dict[str, list[Finding]]:
    """What is missing of each item in the handlers' own words, by item id."""
    sealer = keyring.sealer()

    def in_words(item: ItemView, finding: Finding) -> Finding:
        if finding.sealed is None:
            return finding
        words = open_result(sealer, item.service, application.id, item.item_id, item.round, finding.sealed)
        return finding.model_copy(update={"message_zh": words["zh"], "message_en": words["en"]})

    return {str(i.item_id): [in_words(i, f) for f in i.findings] for i in application.items if i.findings}


def people(application: Application, keyring: Keyring) -> dict[str, Any]:
    """The parties as they were handed in."""
    content = unseal(keyring, application.id, None, application.sealed_round, application.submission)
    found: dict[str, Any] = content["parties"]
    return found


def concealed(
    handle: ServiceHandle, application: Application, who: Principal, shown: Mapping[str, Any]
) -> dict[str, Any]:
    """An answer about an application, without what this person is not shown."""
    return intimate.concealed(shown, application, hidden(handle, application, who), handle.catalog)


async def detail(
    handle: ServiceHandle, application: Application, who: Principal, ground: Ground | None
) -> dict[str, Any]:
    """The application; whatever personal thing staff are shown in clear is recorded as a reading on this ground. The
    personal side of a result is shown to its owner, who receives there, and the unit that decided."""
    own, parties = owns(application, who), people(application, handle.keyring)
    closed = hidden(handle, application, who)
    unmasked = ground is not None and not intimate.nothing_left(application, closed)
    whole = own or receives(application, who)

    def part(unit: str) -> bool:
        return handles(unit, who, handle) or receives_part(application, unit, who, handle)

    units = {i.item_id for i in application.items if str(i.item_id) not in closed and (whole or part(i.unit))}
    results = {k: v for k, v in opened_results(application, handle.keyring).items() if UUID(k) in units}
    findings = {k: v for k, v in opened_findings(application, handle.keyring).items() if UUID(k) in units}
    fields = [
        *(["parties"] if unmasked else []),
        *(f"items/{item_id}/result" for item_id in results),
        *(f"items/{item_id}/findings" for item_id, told in findings.items() if any(f.sealed for f in told)),
    ]
    if fields and not own:
        await record(handle, who, application, fields, ground or Ground.HANDLING)
    if not (own or unmasked):
        parties, results = mask_parties(parties), mask_numbers(results)
    papers = await listed(handle, application, who)
    shown = render.application(application, viewpoint(handle), results, findings, papers=papers)
    return intimate.concealed({**shown, "parties": parties}, application, closed, handle.catalog)
