"""What Prometheus reads: numbers only, by the template of an address and never by the address."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)


class Metrics:
    """One set a process. Children are looked up once and kept: a look-up costs more than the count."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._requests = Counter(
            "kakanai_requests", "Requests answered", ["method", "route", "status"], registry=self.registry
        )
        self._seconds = Histogram(
            "kakanai_request_seconds", "Time to answer", ["route"], buckets=_BUCKETS, registry=self.registry
        )
        self._submissions = Counter(
            "kakanai_submissions", "Applications received", ["procedure", "channel"], registry=self.registry
        )
        self._waiting = Gauge("kakanai_notices_waiting", "Notices that have not gone out yet", registry=self.registry)
        self._oldest = Gauge(
            "kakanai_notices_oldest_seconds", "How long the oldest of them has waited", registry=self.registry
        )
        self._kept: dict[tuple[str, str, int], tuple[Counter, Histogram]] = {}

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        key = (method, route, status)
        kept = self._kept.get(key)
        if kept is None:
            kept = self._requests.labels(method, route, str(status)), self._seconds.labels(route)
            self._kept[key] = kept
        kept[0].inc()
        kept[1].observe(seconds)

    def submitted(self, slug: str, channel: str) -> None:
        self._submissions.labels(slug, channel).inc()

    def notices(self, waiting: int, oldest_seconds: float) -> None:
        """How the outbox stands, which all processes share."""
        self._waiting.set(waiting)
        self._oldest.set(oldest_seconds)
