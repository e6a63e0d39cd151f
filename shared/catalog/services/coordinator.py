"""Joint handling (协同办理): reads what intake submits, is the only publisher of outcomes."""

from __future__ import annotations

from shared.catalog.model import ServiceEntry
from shared.catalog.protocol import CASE_EVENTS, INTAKE_REQUESTS

SERVICE_ENTRY = ServiceEntry(
    name="coordinator",
    title="协同办理",
    handles=False,
    requests=INTAKE_REQUESTS,
    request_writer="intake",
    events=CASE_EVENTS,
)
