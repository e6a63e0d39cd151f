"""Every metric of the platform, declared once: name, what it counts, labels. No label is personal."""

from __future__ import annotations

from functools import cached_property

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram


class Metrics:
    """One registry a process; each metric is made when first used."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()

    @cached_property
    def handled(self) -> Counter:
        """Messages applied, by consumer."""
        return Counter("onewindow_messages_handled", "Messages applied", ["consumer"], registry=self.registry)

    @cached_property
    def parked(self) -> Gauge:
        """Keys standing aside, by consumer."""
        return Gauge("onewindow_parked_keys", "Keys parked", ["consumer"], registry=self.registry)

    @cached_property
    def waiting(self) -> Gauge:
        """Keys whose messages wait for a copy of a newer release, by consumer."""
        return Gauge("onewindow_waiting_keys", "Keys waiting for a newer release", ["consumer"], registry=self.registry)

    @cached_property
    def dead_letters(self) -> Counter:
        """Records that were no event of ours and went to the dead letters, by service."""
        return Counter("onewindow_dead_letters", "Records to the dead letters", ["service"], registry=self.registry)

    @cached_property
    def refused(self) -> Gauge:
        """Messages that the bus did not take and that stand aside with those behind them, by service."""
        return Gauge("onewindow_refused_messages", "Messages refused by the bus", ["service"], registry=self.registry)

    @cached_property
    def lost(self) -> Counter:
        """Records that the bus let go before this consumer had read them, by consumer and topic."""
        return Counter("onewindow_records_lost", "Records gone unread", ["consumer", "topic"], registry=self.registry)

    @cached_property
    def stopped(self) -> Gauge:
        """1 while a consumer has stopped for good and an operator must look, by consumer."""
        return Gauge("onewindow_consumer_stopped", "Consumers stopped", ["consumer"], registry=self.registry)

    @cached_property
    def stuck(self) -> Gauge:
        """Obligations that nothing would ever move, by service."""
        return Gauge("onewindow_stuck_items", "Obligations nothing moves", ["service"], registry=self.registry)

    @cached_property
    def new_findings(self) -> Gauge:
        """Findings that applicants were told of only after the first correction paper: our fault, each of them."""
        return Gauge("onewindow_new_findings", "Findings told after the first paper", registry=self.registry)

    @cached_property
    def relayed(self) -> Counter:
        """Outbox rows moved to the bus, by service."""
        return Counter("onewindow_outbox_relayed", "Outbox rows moved to the bus", ["service"], registry=self.registry)

    @cached_property
    def asked(self) -> Counter:
        """Questions answered by sources, by source and status."""
        return Counter("onewindow_asks", "Answers of sources", ["source", "status"], registry=self.registry)

    @cached_property
    def lag(self) -> Gauge:
        """Records not yet handled, by group and topic."""
        return Gauge("onewindow_lag_records", "Records not yet handled", ["group", "topic"], registry=self.registry)

    @cached_property
    def unpublished(self) -> Gauge:
        """Age in seconds of the oldest outbox row, by service."""
        return Gauge("onewindow_oldest_unpublished_seconds", "Oldest outbox row", ["service"], registry=self.registry)

    @cached_property
    def restarts(self) -> Counter:
        """Workers started again after a failure, by worker."""
        return Counter("onewindow_worker_restarts", "Workers started again", ["worker"], registry=self.registry)

    @cached_property
    def requests(self) -> Histogram:
        """HTTP requests, by route and status."""
        return Histogram("onewindow_http_seconds", "HTTP requests", ["route", "status"], registry=self.registry)

    @cached_property
    def papers_due(self) -> Counter:
        """Papers due with applications received (应交份); one that several matters need counts once."""
        return Counter("onewindow_papers_due", "Papers due", registry=self.registry)

    @cached_property
    def papers_not_asked(self) -> Counter:
        """Of these, the papers nobody had to bring (免交份)."""
        return Counter("onewindow_papers_not_asked", "Papers nobody had to bring", registry=self.registry)

    def count_papers(self, not_asked: int, due: int) -> None:
        """One more application was received."""
        self.papers_due.inc(due)
        self.papers_not_asked.inc(not_asked)

    @cached_property
    def tokens_refused(self) -> Counter:
        """Bearer tokens refused, by what was wrong with them."""
        return Counter("onewindow_tokens_refused", "Tokens refused", ["fault"], registry=self.registry)


METRICS = Metrics()
