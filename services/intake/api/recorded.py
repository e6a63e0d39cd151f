"""Readings of an application: recorded for the people it is about, before anything is shown."""

from __future__ import annotations

from collections.abc import Iterable

from services.intake.domain.model import Application
from shared.audit.readings import Ground, Reading, note_reading
from shared.http.principal import Principal
from shared.spec import ServiceHandle


async def record(
    handle: ServiceHandle, who: Principal, application: Application, fields: Iterable[str], ground: Ground
) -> None:
    """Notes that these fields of the application are shown to this person, and why."""
    whose = dict.fromkeys(ref for ref in (application.subject_ref, application.applicant_ref) if ref)
    number = application.application_no
    reading = Reading(tuple(whose), tuple(fields), ground, "application", str(application.id), number)
    await note_reading(handle, who, reading)
