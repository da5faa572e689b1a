"""Every metric, once. Names follow Prometheus: base units, and `_total` at the end of counters."""

from dataclasses import dataclass
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

WORK_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
LATENCY_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400)


@dataclass(frozen=True)
class Metric:
    """One metric: its name, help text and label names."""

    name: str
    help: str
    labels: tuple[str, ...]


@dataclass(frozen=True)
class Count(Metric):
    """A counter."""


@dataclass(frozen=True)
class Level(Metric):
    """A gauge."""


@dataclass(frozen=True)
class Spread(Metric):
    """A histogram, with the upper bounds of its buckets."""

    buckets: tuple[float, ...]


RECORDS: Final = Count(
    "babelwire_records_total",
    "Records that the stage finished, by outcome (processed, dead_letter) and language.",
    ("stage", "outcome", "language"),
)
DEAD_LETTERS: Final = Count(
    "babelwire_dead_letters_total",
    "Records that the stage sent to the dead letters, by reason.",
    ("stage", "reason"),
)
WORK_SECONDS: Final = Spread(
    "babelwire_work_seconds",
    "Time that a language process spent on one record, waiting in line not included.",
    ("stage",),
    WORK_BUCKETS,
)
END_TO_END_SECONDS: Final = Spread(
    "babelwire_end_to_end_seconds",
    "Time from the raw record's timestamp to the commit of this stage's output.",
    ("stage",),
    LATENCY_BUCKETS,
)
LAG_RECORDS: Final = Level(
    "babelwire_lag_records",
    "Records of the stage's input topic that are not committed yet, by assigned partition.",
    ("stage", "partition"),
)
LAG_SECONDS: Final = Level(
    "babelwire_lag_seconds",
    "Age of the oldest record in the worker's partitions that is not committed yet, 0 if none.",
    ("stage",),
)
IN_FLIGHT: Final = Level(
    "babelwire_in_flight",
    "Records that the worker has taken in and not committed yet.",
    ("stage",),
)
COMMITS: Final = Count(
    "babelwire_commits_total",
    "Transactions (at least once: offset commits) that the broker confirmed.",
    ("stage",),
)
RETRIES: Final = Count(
    "babelwire_retries_total",
    "Attempts that ended with the engine unavailable; their records are tried again.",
    ("stage",),
)
CIRCUIT: Final = Level(
    "babelwire_circuit_state",
    "The circuit breaker around the stage's engine: 0 closed, 1 half-open, 2 open.",
    ("stage",),
)
REREADS: Final = Count(
    "babelwire_rereads_total",
    "Times that records were lost between consumer and ledger, noticed, and read again.",
    ("stage",),
)
POOL_RESTARTS: Final = Count(
    "babelwire_pool_restarts_total",
    "Language processes that were replaced because one record crashed or outlasted them.",
    ("stage",),
)
READY: Final = Level(
    "babelwire_ready", "1 when the worker is assigned and able, else 0.", ("stage",)
)
BUILD_INFO: Final = Level(
    "babelwire_build_info", "Always 1; the labels carry the versions.", ("stage", "version")
)

METRICS: Final = (
    RECORDS,
    DEAD_LETTERS,
    WORK_SECONDS,
    END_TO_END_SECONDS,
    LAG_RECORDS,
    LAG_SECONDS,
    IN_FLIGHT,
    COMMITS,
    RETRIES,
    CIRCUIT,
    REREADS,
    POOL_RESTARTS,
    READY,
    BUILD_INFO,
)


class StageMetrics:
    """The metrics of one stage's worker, in a registry of its own."""

    def __init__(self, stage: str) -> None:
        self.stage = stage
        self.registry = CollectorRegistry()
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        for metric in METRICS:
            named = (metric.name, metric.help, metric.labels)
            match metric:
                case Count():
                    self._counters[metric.name] = Counter(*named, registry=self.registry)
                case Spread():
                    self._histograms[metric.name] = Histogram(
                        *named, registry=self.registry, buckets=metric.buckets
                    )
                case _:
                    self._gauges[metric.name] = Gauge(*named, registry=self.registry)

    def count(self, metric: Count, amount: float = 1, **labels: str) -> None:
        """Adds to a counter."""
        self._counters[metric.name].labels(stage=self.stage, **labels).inc(amount)

    def set(self, metric: Level, value: float, **labels: str) -> None:
        """Sets a gauge."""
        self._gauges[metric.name].labels(stage=self.stage, **labels).set(value)

    def observe(self, metric: Spread, value: float, **labels: str) -> None:
        """Adds one observation to a histogram."""
        self._histograms[metric.name].labels(stage=self.stage, **labels).observe(value)

    def clear(self, metric: Level) -> None:
        """Forgets all label values of a gauge, such as partitions that went elsewhere."""
        self._gauges[metric.name].clear()
