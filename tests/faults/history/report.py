"""The verdict in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.faults.history.violation import Violation

SHOWN = 20
"""Violations of one rule that are printed; a fault often shows in every case."""


def verdict(violations: Sequence[Violation]) -> Iterator[str]:
    """A line a violation, the first of each rule, then how many each rule found."""
    if not violations:
        yield "every promise held / 各项承诺均成立"
        return
    seen: Counter[str] = Counter()
    for found in violations:
        seen[found.rule] += 1
        if seen[found.rule] <= SHOWN:
            yield str(found)
    rules = {found.rule: found.promise for found in violations}
    counts = ", ".join(f"{rules[rule]} {rule} {count}" for rule, count in seen.items())
    yield f"{len(violations)} violations / 违背承诺 {len(violations)} 处: {counts}"
