"""Whatever order checks, supplements, supervisors and days come in, one paper tells all, and no finding is lost."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from services.coordinator.domain.state import Case
from shared.catalog import protocol as p
from shared.clock import beijing_date
from shared.handling.tasks import live_tasks
from tests.support.coordination import CASE_ID, SEALED, Desk, item_id, planned

ITEMS = (0, 1, 2)
CODES = st.sets(st.sampled_from("ABC"), min_size=1, max_size=2)


def finding(code: str) -> p.Finding:
    return p.Finding(code=code, message_zh="缺件", message_en="missing")


class Correction(RuleBasedStateMachine):
    """Three items of one case. The books are kept from what was said and what went out, apart from the code."""

    def __init__(self):
        super().__init__()
        self.desk = Desk(planned(0), planned(1), planned(2, [(0, False)]))
        self.owed = {n: set() for n in ITEMS}  # what a check said and nobody cured or dropped
        self.ever = {n: set() for n in ITEMS}  # what a paper told
        self.answered = dict.fromkeys(ITEMS, False)
        self.papers = 0
        self.freely = 0  # papers since the last supplement that no supervisor stands for

    # --- what may happen ---

    @rule(n=st.sampled_from(ITEMS), codes=CODES)
    def finds(self, n, codes):
        if self._open(n):
            self.owed[n] |= codes
            self.answered[n] = True
            self._take(self.desk.up(p.CorrectionRequested, n, self._round(n), findings=tuple(map(finding, codes))))

    @rule(n=st.sampled_from(ITEMS), kind=st.sampled_from((p.CheckPassed, p.ItemAccepted)))
    def passes(self, n, kind):
        if self._open(n):
            self.owed[n] = set()
            self.answered[n] = True
            self._take(self.desk.up(kind, n, self._round(n)))

    @rule(some=st.sets(st.sampled_from(ITEMS), min_size=1))
    def supplements(self, some):
        """The applicant answers what was told, of the items concerned."""
        cured = [n for n in some if self._open(n) and self.desk.item(n).findings]
        if cured:
            parts = tuple(p.SupplementedItem(item_id=item_id(n), sealed=SEALED) for n in cured)
            for n in cured:
                self.owed[n], self.answered[n] = set(), False
            self.freely = 0
            self._take(self.desk.say(p.ApplicationSupplemented(case_id=CASE_ID, round=2, items=parts)))

    @precondition(lambda self: any(t.kind == "new_finding" for t in live_tasks(self.desk.case)))
    @rule(yes=st.booleans())
    def supervises(self, yes):
        task = next(t for t in live_tasks(self.desk.case) if t.kind == "new_finding")
        n = next(n for n in ITEMS if str(item_id(n)) == task.data["item_id"])
        if not yes:
            told = {f.code for f in self.desk.item(n).findings}
            self.owed[n] = (self.owed[n] & self.ever[n]) | told
            self.answered[n] = bool(self.owed[n])
        self._take(self.desk.settle_task("approve" if yes else "deny", "new_finding"))

    @rule(days=st.integers(1, 9))
    def time_passes(self, days):
        self._take(self.desk.wait_until(beijing_date(self.desk.now) + timedelta(days=days)))

    # --- what always holds ---

    @invariant()
    def no_finding_is_lost(self):
        for n in ITEMS:
            item = self.desk.item(n)
            if item.outcome is None:
                waiting = item.found.findings if item.found is not None else ()
                assert {f.code for f in (*item.findings, *waiting)} == self.owed[n]

    @invariant()
    def what_is_shown_was_told(self):
        for n in ITEMS:
            assert {f.code for f in self.desk.view.items[n].findings} <= self.ever[n]

    @invariant()
    def when_every_check_has_answered_nothing_is_kept_back_but_for_a_supervisor(self):
        found = [self.desk.item(n).found for n in ITEMS if self._open(n)]
        held = any(f is not None and f.held for f in found)
        if not held and all(self.answered[n] for n in ITEMS if self._open(n)):
            assert not any(found)

    @invariant()
    def a_paper_is_sent_at_most_once_a_round(self):
        assert self.freely <= 1

    @invariant()
    def one_timer_stands_for_the_clocks_while_anything_is_open(self):
        timer = self.desk.timers.get("clocks")
        assert (timer and timer.due_at) == self.desk.case.wake_at

    # --- how it is done ---

    def _open(self, n):
        return self.desk.item(n).outcome is None

    def _round(self, n):
        return self.desk.item(n).round

    def _take(self, said):
        for paper in (m for m in said if isinstance(m, p.CorrectionIssued)):
            self.papers += 1
            assert paper.number == self.papers
            shown = {i.item_id: {f.code for f in i.findings} for i in paper.case.items}
            new = set()
            for n in ITEMS:
                if item_id(n) in paper.items:
                    new |= shown[item_id(n)] - self.ever[n]
                    self.ever[n] |= shown[item_id(n)]
            assert paper.number == 1 or not new or paper.supervised, "new findings went out in nobody's name"
            # A second one of a round tells again what was not cured, or what a supervisor let out.
            self.freely += bool(new) and paper.supervised is None
        self.desk.case = Case.model_validate_json(self.desk.case.model_dump_json())


TestCorrection = Correction.TestCase
TestCorrection.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
