"""What platforms in processes of their own are made of: a host that goes by the outbox, a case of three parallel stops."""

from __future__ import annotations

from demo.families import bereavement_application, invent_family
from shared.bus.embedded import EmbeddedBus
from shared.bus.port import Bus
from shared.clock import beijing_date
from shared.runtime.host import Host

STOPS = ("elderly.benefit_stop", "assistance.benefit_stop", "marriage.record_annotation")


def three_stops(seed: int, host: Host) -> dict[str, object]:
    """The application of family `seed`, cut down to the three parallel stops."""
    today = beijing_date(host.clock.now())
    body = bereavement_application(invent_family(seed, today), today)
    form = {name: value for name, value in body["form"].items() if name in {"death", "payee", "electronic_delivery"}}
    return {**body, "matters": list(STOPS), "form": form, "materials": []}


class OutboxHost(Host):
    """A host whose units do not append to the log themselves, as with a bus that is elsewhere."""

    def _bus(self) -> Bus:
        return EmbeddedBus(self.db, self.presence, direct=False)
