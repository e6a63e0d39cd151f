"""Every rule over one history."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping

from tests.faults.history.history import History
from tests.faults.history.record import Line
from tests.faults.history.rules import applications, effects, joins, offsets, papers, rounds, streams, timers, views
from tests.faults.history.violation import Breach, Violation, violation

Rule = Callable[[History], Iterator[Breach]]

RULES: Mapping[Rule, str] = {
    applications.answered_applications_are_on_the_bus: "I1",
    applications.items_are_sent_out_once: "I1",
    applications.cases_end_as_clients_saw: "I1",
    applications.no_case_comes_from_nowhere: "I1",
    applications.keys_and_numbers_name_one_case: "I1",
    applications.withdrawals_are_on_the_bus: "I1",
    streams.records_can_be_read: "I2",
    streams.streams_read_one_to_n: "I2",
    streams.repeats_are_the_same_bytes: "I2",
    streams.streams_lie_in_one_partition: "I2",
    streams.event_ids_name_one_event: "I2",
    streams.answers_are_applied_once: "I2",
    joins.items_conclude_once: "I3",
    joins.conclusions_have_a_cause: "I3",
    joins.endings_are_concluded: "I3",
    joins.cases_close_when_complete: "I3",
    joins.nothing_follows_a_closing: "I3",
    joins.complete_cases_are_closed: "I3",
    effects.effects_follow_conclusions: "I3",
    effects.effects_need_a_conclusion: "I3",
    rounds.late_results_are_not_applied: "I4",
    rounds.timely_results_are_applied: "I4",
    rounds.settlements_are_told_alike: "I4",
    rounds.decisions_are_settled: "I5",
    papers.papers_are_counted: "I5",
    papers.findings_are_told_by_papers: "I5",
    views.nothing_is_silently_stuck: "I6",
    views.sources_waited_for_have_spoken: "I6",
    timers.items_are_cancelled_once: "I7",
    timers.services_end_items_once: "I7",
    timers.withdrawals_are_cancelled_only_if_asked: "I7",
    timers.withdrawals_come_to_an_end: "I7",
    views.views_equal_their_fold: "I8",
    views.conclusions_show_their_item: "I8",
    views.closings_show_conclusions: "I8",
    views.statuses_follow_from_items: "I8",
    offsets.offsets_are_dense: "I9",
    offsets.positions_never_go_back: "I9",
    offsets.positions_stay_within_the_log: "I9",
}
"""Each rule and the promise that it watches over."""


def check(client_lines: Iterable[Line], bus_records: Iterable[Line], positions: Iterable[Line] = ()) -> list[Violation]:
    """Everything that breaks a promise, by promise and rule; empty where all of them held."""
    history = History(client_lines, bus_records, positions)
    return [violation(promise, rule.__name__, breach) for rule, promise in RULES.items() for breach in rule(history)]
