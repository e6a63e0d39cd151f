"""Whatever order answers, repeats, withdrawals, returns, contradictions and reopenings come in, the join rules hold."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.coordinator.domain.state import Case
from services.coordinator.domain.view import case_view
from services.coordinator.store import case_columns
from shared.catalog import protocol as p
from shared.errors import Poison
from shared.outcomes import FINAL_ITEM, Nature
from tests.support.coordination import CASE_ID, SEALED, Desk, item_id, planned

FACTS = ("death", "birth")
NATURES = (Nature.ON_APPLICATION, Nature.ON_APPLICATION, Nature.EX_OFFICIO)
OUTCOMES = ("approved", "denied", "not_applicable")
QUIET = (p.CheckPassed, p.CorrectionRequested, p.ItemAccepted, p.ItemProgressed, p.ItemPaused, p.ItemResumed)
NOT_REFUSED = ("approved", "not_applicable")


@st.composite
def plans(draw):
    """One to six items, each after some of those before it, hard or soft, on some facts."""
    count = draw(st.integers(1, 6))
    items = []
    for n in range(count):
        after = draw(st.dictionaries(st.integers(0, n - 1), st.booleans(), max_size=2)) if n else {}
        facts = draw(st.sets(st.sampled_from(FACTS), max_size=1))
        rests = draw(st.sets(st.sampled_from(FACTS), max_size=1))
        check = draw(st.sampled_from(("formal", "none")))
        items.append(
            planned(n, tuple(after.items()), sorted(facts), draw(st.sampled_from(NATURES)), check, sorted(rests))
        )
    return items


class JointHandling(RuleBasedStateMachine):
    """One case under fire. The books below are kept from what is sent alone, apart from the code under test."""

    numbers = st.integers(0, 5)
    older = st.integers(0, 2)

    @initialize(items=plans())
    def submit(self, items):
        self.plan = {i.item_id: i for i in items}
        self.settled = Counter()
        self.concluded = Counter()
        self.ready = Counter()
        self.to_person = Counter()
        self.frozen = Counter()
        self.reversals = Counter()
        self.closings = 0
        self.reopenings = 0
        self.ends = {}
        self.desk = Desk(*items)
        self._book(self.desk.sent, ())

    # --- what may happen, in any order ---

    @rule(n=numbers, kind=st.sampled_from(QUIET), older=older)
    def quiet(self, n, kind, older):
        self._answer(n, older, lambda n, r: self.desk.up(kind, n, r))

    @rule(n=numbers, outcome=st.sampled_from(OUTCOMES), older=older, done=st.booleans())
    def decide(self, n, outcome, older, done):
        public = {"done_in_world": True} if done else {}
        self._answer(n, older, lambda n, r: self.desk.decide(n, outcome, r, result=public))

    @rule(n=numbers, kind=st.sampled_from((p.ItemNotAccepted, p.ItemEnded)), older=older)
    def end(self, n, kind, older):
        self._answer(n, older, lambda n, r: self.desk.up(kind, n, r))

    @rule(n=numbers, unit=st.sampled_from((None, "other", "nowhere")), older=older)
    def send_back(self, n, unit, older):
        self._answer(n, older, lambda n, r: self.desk.up(p.ItemReturned, n, r, suggested_unit=unit))

    @rule(n=numbers, kind=st.sampled_from((p.ItemCorrected, p.ItemRevoked)), older=older)
    def reopen(self, n, kind, older):
        self._answer(n, older, lambda n, r: self.desk.up(kind, n, r))

    @rule(n=numbers, answer=st.sampled_from(("agreed", "already_decided")), older=older)
    def answer_withdrawal(self, n, answer, older):
        self._answer(n, older, lambda n, r: self.desk.up(p.WithdrawalAnswered, n, r, answer=answer))

    @rule(some=st.sets(numbers, max_size=2))
    def withdraw(self, some):
        numbers = {n % len(self.plan) for n in some}
        self._say(lambda: self.desk.withdraw(*numbers), numbers or range(len(self.plan)))

    @rule(n=numbers)
    def supplement(self, n):
        n %= len(self.plan)
        part = p.SupplementedItem(item_id=item_id(n), sealed=SEALED)
        message = p.ApplicationSupplemented(case_id=CASE_ID, round=2, items=(part,))
        self._say(lambda: self.desk.say(message), {n})

    @rule(
        name=st.sampled_from(FACTS),
        status=st.sampled_from(("confirmed", "contradicted", "silent")),
        refuted=st.sampled_from((False, False, False, True)),
    )
    def establish(self, name, status, refuted):
        resting = {n for n in range(len(self.plan)) if name in self.plan[item_id(n)].facts}
        self._say(lambda: self.desk.fact(name, status, refuted=refuted), resting)

    @rule(name=st.sampled_from(FACTS), ground=st.sampled_from(("OBJECTION", "SIGN_OF_LIFE")), raised=st.booleans())
    def doubt(self, name, ground, raised):
        self._say(lambda: (self.desk.dispute if raised else self.desk.uphold)(ground, name), ())

    @precondition(lambda self: self.desk.timers)
    @rule(which=st.integers(0, 9))
    def time_passes(self, which):
        names = sorted(self.desk.timers)
        name = names[which % len(names)]
        self.desk.now += timedelta(hours=1)
        kind, _, rest = name.partition(":")
        near = {n for n in range(len(self.plan)) if kind == "withdrawal" and str(item_id(n)) in rest}
        self._say(lambda: self.desk.ring(name), near)

    # --- what always holds ---

    @invariant()
    def the_case_is_closed_exactly_while_nothing_is_open(self):
        is_open = any(i.outcome is None for i in self.case.items.values())
        assert (self.case.closed_at is None) == is_open
        assert self.closings == self.reopenings + (0 if is_open else 1)

    @invariant()
    def obligations_are_the_items_that_are_not_final(self):
        view = self.desk.view
        final = {i.item_id for i in view.items if i.status in FINAL_ITEM}
        assert {i.id for i in self.case.open_items()} == set(self.case.items) - final
        assert case_columns(self.case)["open_count"] == len(self.case.items) - len(final)
        assert final == set(self.ends)

    @invariant()
    def what_everyone_was_told_last_is_how_it_stands(self):
        assert self.desk.view == case_view(self.case)

    @invariant()
    def the_status_follows_from_the_items(self):
        view = self.desk.view
        words = [i.status for i in view.items]
        is_open = [i for i in view.items if i.status not in FINAL_ITEM]
        if not is_open:
            same = words[0] if len(set(words)) == 1 else None
            expected = same if same in ("withdrawn", "not_accepted", "terminated") else "closed"
        elif any(i.waiting_on and i.waiting_on.kind == "applicant" for i in is_open):
            expected = "correcting"
        elif len(is_open) < len(words):
            expected = "partial"
        else:
            expected = "in_progress" if any(i.accepted_at for i in view.items) else "submitted"
        assert view.status == expected
        assert view.outcome is None or view.status == "closed"

    @invariant()
    def each_round_is_settled_and_concluded_at_most_once(self):
        assert all(times == 1 for books in (self.settled, self.concluded) for times in books.values())

    @invariant()
    def a_round_is_released_once_and_sent_to_a_person_at_most_once_more(self):
        assert all(times == 1 for times in self.ready.values())
        assert all(times == 1 for times in self.to_person.values())

    @invariant()
    def an_item_is_held_exactly_while_what_it_rests_on_is_in_doubt(self):
        facts = self.case.facts
        for item, view in zip(self.case.items.values(), self.desk.view.items, strict=True):
            doubted = any(facts[f].doubts for f in self._rests_on(item.id) if f in facts)
            alive = (item.outcome is None or item.outcome in OUTCOMES) and item.reversing is None
            assert (view.frozen is not None) == (doubted and alive)
            assert all(times in (0, 1) for (i, _), times in self.frozen.items() if i == item.id)

    @invariant()
    def a_decision_is_asked_back_once_and_only_for_a_fact_that_was_not_so(self):
        for (i, _), times in self.reversals.items():
            assert times == 1
            assert any(self.case.facts[f].refuted for f in self._rests_on(i))

    def teardown(self):
        """Whatever happened, the case can still be brought to its end, and is closed then."""
        if not hasattr(self, "desk"):
            return
        for _ in range(40):
            if self.case.closed_at is not None:
                break
            self._one_step_on()
        assert self.case.closed_at is not None
        self.the_case_is_closed_exactly_while_nothing_is_open()
        self.each_round_is_settled_and_concluded_at_most_once()

    # --- how it is done ---

    @property
    def case(self):
        return self.desk.case

    def _answer(self, n, older, say):
        n %= len(self.plan)
        item = self.desk.item(n)
        current = item.round
        round_ = max(1, current - older)
        stale = (item.outcome is not None and item.reversing is None) or round_ < current
        before = self.desk.view
        said = self._say(lambda: say(n, round_), {n})
        if stale and not any(isinstance(m, p.ItemConcluded) and not m.late for m in said):
            assert self.desk.view == before, "what came too late was applied"
            assert all(m.status == "late" for m in said if isinstance(m, p.ItemSettled))
        elif stale:
            assert round_ == current, "a message of an old round concluded the item"
            assert self.desk.item(n).round == current + 1

    def _say(self, act, numbers):
        before = self.case.model_dump_json()
        statuses = {i: item.status for i, item in self.case.items.items()}
        touched = self._downstream({item_id(n) for n in numbers})
        try:
            said = act()
        except Poison:
            said = []
            assert self.case.model_dump_json() == before
        self._book(said, touched)
        told = {i for m in said if isinstance(m, p.CorrectionIssued) for i in m.items}  # one paper for all of them
        for i, item in self.case.items.items():
            assert i in touched or i in told or item.status == statuses[i], "a sibling that does not hang on it changed"
        self.desk.case = Case.model_validate_json(self.case.model_dump_json())
        return said

    def _rests_on(self, item):
        own = self.plan[item]
        before = (self._rests_on(b.item_id) for b in own.prerequisites if b.hard)
        return {*own.facts, *own.rests_on, *(f for facts in before for f in facts)}

    def _doubted(self, item, ground):
        facts = [self.case.facts[f] for f in self._rests_on(item) if f in self.case.facts]
        return any(d.ground == ground for fact in facts for d in fact.doubts)

    def _downstream(self, items):
        found = set(items)
        for i in self.plan.values():  # a plan's items come after what they depend on
            if any(b.item_id in found for b in i.prerequisites):
                found.add(i.item_id)
        return found

    def _book(self, said, touched):
        reopened = {m.item_id for m in said if isinstance(m, p.CaseReopened)}
        for m in said:
            key = (m.item_id, m.round) if hasattr(m, "round") and hasattr(m, "item_id") else None
            match m:
                case p.ItemSettled(status="applied"):
                    self.settled[key] += 1
                case p.EffectsFrozen():
                    self.frozen[m.item_id, m.ground] += 1
                case p.EffectsReleased():
                    self.frozen[m.item_id, m.ground] -= 1
                    assert not self._doubted(m.item_id, m.ground), "released while something holds it"
                case p.ReversalRequested():
                    self.reversals[key] += 1
                    self.frozen = Counter({k: n for k, n in self.frozen.items() if k[0] != m.item_id})
                case p.ItemCancelled():
                    self.frozen = Counter({k: n for k, n in self.frozen.items() if k[0] != m.item_id})
                case p.ItemRequested(ready=True):
                    self.ready[key] += 1
                case p.ItemConcluded(late=False):
                    again = m.round > self.ends.get(m.item_id, ("", m.round))[1]
                    assert m.item_id not in self.ends or again, "a final status changed without a new round"
                    assert m.item_id in touched
                    self.concluded[key] += 1
                    self.ends[m.item_id] = (m.outcome, m.round)
                    self._check_reason(m)
                case p.CaseReopened():
                    self.reopenings += 1
                case p.CaseClosed():
                    self.closings += 1
                    assert all(i.status in FINAL_ITEM for i in m.case.items)
        for m in said:  # down comes before out: what was concluded in the same breath is known only now
            if isinstance(m, p.ItemReady):
                self._book_ready(m, (m.item_id, m.round))
        assert len(reopened) <= 1
        for i, (outcome, round_) in self.ends.items():
            assert (self.case.items[i].outcome, self.case.items[i].round) == (outcome, round_)

    def _check_reason(self, m):
        item, reason = self.plan[m.item_id], m.result.reason_code
        if reason == "FACT_REFUTED":
            assert any(self.case.facts[f].refuted for f in item.facts)
        if reason.startswith("PREREQUISITE"):
            hard = [self.case.items[b.item_id].outcome for b in item.prerequisites if b.hard]
            assert any(outcome not in (None, "approved") for outcome in hard), "only a refused hard one ends others"

    def _book_ready(self, m, key):
        item = self.plan[m.item_id]
        if self.ready[key] and m.to_person:
            self.to_person[key] += 1
            return
        self.ready[key] += 1
        assert all(b.item_id in self.ends for b in item.prerequisites)
        assert all(self.ends[b.item_id][0] == "approved" for b in item.prerequisites if b.hard)
        assert all(self.case.facts[f].confirmed for f in item.facts)
        refused = [b for b in item.prerequisites if self.ends[b.item_id][0] not in NOT_REFUSED]
        assert m.to_person or not refused

    def _one_step_on(self):
        for name, fact in self.case.facts.items():
            if not fact.confirmed and not fact.refuted:
                self.establish(name, "confirmed", False)
                return
        n = next(n for n in range(len(self.plan)) if self.desk.item(n).outcome is None and self._can_move(n))
        item = self.desk.item(n)
        if item.returned:
            self._supervise(n)
        elif item.withdrawal is not None:
            self.answer_withdrawal(n, "agreed", 0)
        else:
            self.decide(n, "approved", 0, done=False)

    def _can_move(self, n):
        item = self.desk.item(n)
        return item.returned or item.withdrawal is not None or not item.blocked

    def _supervise(self, n):
        self._say(lambda: self.desk.settle_task("send_back", "nowhere_to_send", n, unit="bureau"), {n})


TestJointHandling = JointHandling.TestCase
TestJointHandling.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
