"""Proves or refutes delivery from the outside: what clients saw against what lies on the bus.

It shares no code with the platform, so that a fault of the platform cannot hide itself here. Run it on files,

    python -m tests.faults.history CLIENT.jsonl BUS.jsonl [POSITIONS.jsonl]

which prints a verdict and ends with 0 (every promise held) or 1, or call `check` on the parsed lines. The bus is to be
read when nothing is in flight: what has been decided and not yet settled is reported as lost.

**What a client saw**, one JSON object a line, in the order in which it saw it (`client.ClientLog` writes them). `at` is
the client's own time and only for the reader; a line that a rule does not know is passed over.

| `saw` | with | meaning |
|---|---|---|
| `submitted` | `key` | an application is about to be handed in under this idempotency key |
| `answered` | `key`, `status_code`, and for 201 `case_id`, `application_no` | what came back; a key without a last word may or may not have made a case |
| `concluded` | `case_id`, `status`, `outcome`, `items: [{id, matter, status, round}]` | an application read when it was over |
| `withdrawing` | `key`, `case_id` | a withdrawal is about to be asked for |
| `withdrawn` | `key`, `case_id`, `status_code` | what came back (202: it was taken) |
| `rest` | | all work was done when the bus was read: every lag 0, nothing due; only then is an item that waits without a reason a fault |

**The bus**, one record a line (`bus_embedded`, `bus_kafka` write them): `{bus: "embedded"|"kafka", topic, partition,
offset, key, headers, data | data64}`; `data64` stands for bytes that are no text. Topics are without a cluster's prefix.

**Positions**, optional: `{group, topic, partition, position}` as read from time to time, in that order. An operator's
audited reset is such a line with `reset: true` and the position it set.
"""

from tests.faults.history.checking import check
from tests.faults.history.violation import Violation

__all__ = ["Violation", "check"]
