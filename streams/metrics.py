"""Every metric, once: what workers and the live page export, and the labels they may carry.

Names follow Prometheus: base units, `_total` at the end of counters. Labels come from small closed
sets, so that the number of series is known before the first article arrives; a test counts it.

What a message says of itself (coverage, entities, …) is measured where the message is made: a stage
declares a pure function from its output to `Measure` values, `Produced` carries them to the worker,
and delivery records them when the output is committed. So the measures of a worker's language
processes come out of the worker alone, once per committed record.
"""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, get_args

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
)

from schemas import REASONS, EntityType

WORK_BUCKETS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120)
LATENCY_BUCKETS: Final = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600, 14400)
HOUR: Final = 3600.0
AGE_BUCKETS: Final = tuple(hours * HOUR for hours in (0.25, 1, 3, 6, 12, 24, 48, 168, 720))
COVERAGE_BUCKETS: Final = (0.0, 0.5, 0.8, 0.9, 0.95, 0.99, 1.0)
QUALITY_BUCKETS: Final = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
ENTITY_BUCKETS: Final = (0, 1, 2, 5, 10, 20, 50)

OTHER: Final = "other"
# The copies of an article come within hours of each other; so many are looked through each time.
RECENT_SIGHTINGS: Final = 5_000
# Series that a counter may start with; more start when they are first counted.
MOST_AT_START: Final = 16


@dataclass(frozen=True)
class Label:
    """A label: what it says, and the values it may have. Any other value is counted as `other`.

    Where the values are not known beforehand (`values` is empty), `most` is how many there may be.
    """

    name: str
    help: str
    values: tuple[str, ...] = ()
    most: int = 0

    @property
    def size(self) -> int:
        """The largest number of different values."""
        return len(self.values) + 1 if self.values else self.most

    def known(self, value: str) -> str:
        """The value, or `other`."""
        return value if not self.values or value in self.values else OTHER


LANGUAGES: Final = (
    *("ar", "ca", "de", "en", "es", "fi", "fr", "it", "ja", "nl"),
    *("pl", "pt", "ro", "ru", "sv", "tr", "uk", "und", "zh"),
)

LABELS: Final = {
    label.name: label
    for label in (
        Label("stage", "Name of the stage.", most=4),
        Label("language", "ISO 639-1 code of the article's language, `und`.", LANGUAGES),
        Label("reason", "Reason code of a dead letter.", REASONS),
        Label("outcome", "What became of the record.", ("processed", "dead_letter")),
        Label("type", "Type of entity.", get_args(EntityType)),
        Label("precision", "How precisely the date of publication is known.", ("day", "time")),
        Label("memory", "Whether the translation memory had the sentence.", ("hit", "miss")),
        Label("partition", "Number of the input topic's partition.", most=12),
        Label("version", "Version of babelwire.", most=1),
    )
}


@dataclass(frozen=True)
class Metric:
    """One metric: its name, help text and label names."""

    name: str
    help: str
    labels: tuple[str, ...]

    @property
    def series(self) -> int:
        """The largest number of series that one worker may export of it."""
        most = 1
        for label in self.labels:
            # A worker is of one stage.
            most *= 1 if label == "stage" else LABELS[label].size
        return most


@dataclass(frozen=True)
class Count(Metric):
    """A counter."""


@dataclass(frozen=True)
class Recurrence(Count):
    """A counter of things seen before; its measures are sightings. Two are of the same thing when
    their signatures differ in no more than `within` bits."""

    within: int


@dataclass(frozen=True)
class Level(Metric):
    """A gauge."""


@dataclass(frozen=True)
class Spread(Metric):
    """A histogram, with the upper bounds of its buckets."""

    buckets: tuple[float, ...]

    @property
    def series(self) -> int:
        """One per bucket, the one without bound, the sum and the count."""
        return super().series * (len(self.buckets) + 3)


@dataclass(frozen=True)
class Age(Spread):
    """A histogram of ages: its samples are moments, in seconds since the epoch, and what is
    observed is the time from then to the commit."""


@dataclass(frozen=True)
class Sample:
    """A number for a metric: an amount, an observation, or, for an Age, a moment."""

    metric: Count | Spread
    value: float
    labels: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Sighting:
    """Something recognised by its `signature` of 64 bits. It is counted when the like was seen
    lately under another `owner`."""

    metric: Recurrence
    signature: int
    owner: str


Measure = Sample | Sighting


RECORDS: Final = Count(
    "babelwire_records_total",
    "Records that the stage finished, by outcome and language.",
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
CPU_SECONDS: Final = Count(
    "babelwire_cpu_seconds_total",
    "Processor time that language processes and the programs they run spent on records, by"
    " language; work that crashed or ran out of time is not in it.",
    ("stage", "language"),
)
END_TO_END_SECONDS: Final = Spread(
    "babelwire_end_to_end_seconds",
    "Time from the raw record's timestamp to the commit of this stage's output.",
    ("stage",),
    LATENCY_BUCKETS,
)
PUBLICATION_AGE_SECONDS: Final = Age(
    "babelwire_publication_age_seconds",
    "Time from an article's publication to the commit of its enriched event, where the day or the"
    " time of publication is known; a day counts from its beginning in UTC.",
    ("stage", "precision"),
    AGE_BUCKETS,
)
COVERAGE: Final = Spread(
    "babelwire_translation_coverage_ratio",
    "Share of an article's source characters that an engine, or English itself, accounts for.",
    ("stage", "language"),
    COVERAGE_BUCKETS,
)
QUALITY: Final = Spread(
    "babelwire_translation_quality_ratio",
    "Estimated quality of an article's translation, on the scale of chrF.",
    ("stage", "language"),
    QUALITY_BUCKETS,
)
ENTITIES: Final = Spread(
    "babelwire_article_entities",
    "Entities of one article, by type.",
    ("stage", "type"),
    ENTITY_BUCKETS,
)
NEAR_DUPLICATES: Final = Recurrence(
    "babelwire_near_duplicates_total",
    "Articles whose text this worker has lately seen, or nearly, under another article_id.",
    ("stage",),
    # Different texts are about 32 bits apart; among 5,000 of them two in a thousand come so near.
    within=12,
)
TRANSLATION_MEMORY: Final = Count(
    "babelwire_translation_memory_sentences_total",
    "Sentences that the translation memory was asked for, by whether it had them.",
    ("stage", "memory"),
)
UNMEASURED: Final = Count(
    "babelwire_unmeasured_total",
    "Records whose measures failed; the records themselves went on.",
    ("stage",),
)
LAG_RECORDS: Final = Level(
    "babelwire_lag_records",
    "Records of the stage's input topic that are not committed yet.",
    ("stage", "partition"),
)
LAG_SECONDS: Final = Level(
    "babelwire_lag_seconds",
    "Age of the oldest record of the stage's input topic that is not committed yet, 0 if none.",
    ("stage", "partition"),
)
OVERDUE_RECORDS: Final = Level(
    "babelwire_overdue_records",
    "Records of the stage's input topic that are not committed and older than the setting"
    " fresh_within.",
    ("stage", "partition"),
)
IN_FLIGHT: Final = Level(
    "babelwire_in_flight_records",
    "Records that the worker has taken in and not committed yet.",
    ("stage",),
)
QUEUE: Final = Level(
    "babelwire_queue_records",
    "Records of the worker that wait for a free language process.",
    ("stage",),
)
PROCESSES: Final = Level(
    "babelwire_language_processes",
    "Language processes that the worker keeps; busy share is the rate of work seconds over this.",
    ("stage",),
)
MEMORY_BYTES: Final = Level(
    "babelwire_memory_bytes",
    "Resident memory of the worker and every process below it, shared pages counted once.",
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
PAGE_STREAMS: Final = Level(
    "babelwire_page_streams", "Event streams that the live page has open.", ()
)
PAGE_EVENTS: Final = Count(
    "babelwire_page_events_total", "Events that the live page sent to its streams.", ()
)

LAG_METRICS: Final = (LAG_RECORDS, LAG_SECONDS, OVERDUE_RECORDS)
WORKER_METRICS: Final = (
    RECORDS,
    DEAD_LETTERS,
    WORK_SECONDS,
    CPU_SECONDS,
    END_TO_END_SECONDS,
    PUBLICATION_AGE_SECONDS,
    COVERAGE,
    QUALITY,
    ENTITIES,
    NEAR_DUPLICATES,
    TRANSLATION_MEMORY,
    UNMEASURED,
    *LAG_METRICS,
    IN_FLIGHT,
    QUEUE,
    PROCESSES,
    MEMORY_BYTES,
    COMMITS,
    RETRIES,
    CIRCUIT,
    REREADS,
    POOL_RESTARTS,
    READY,
    BUILD_INFO,
)
# The page measures lag from the broker alone: it is there when a stage's workers are not.
PAGE_METRICS: Final = (*LAG_METRICS, PAGE_STREAMS, PAGE_EVENTS)
METRICS: Final = (*WORKER_METRICS, PAGE_STREAMS, PAGE_EVENTS)


class Metrics:
    """What one process exports, in a registry of its own. `always` are label values that hold for
    all of it, such as its stage."""

    def __init__(self, metrics: Iterable[Metric], **always: str) -> None:
        # The library's `_created` series double the number of series and nobody asks for them.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._always = always
        self._counters: dict[str, Counter] = {}
        self._gauges: dict[str, Gauge] = {}
        self._histograms: dict[str, Histogram] = {}
        self._seen: dict[str, deque[Sighting]] = {}
        for metric in metrics:
            named = (metric.name, metric.help, metric.labels)
            match metric:
                case Count():
                    self._counters[metric.name] = Counter(*named, registry=self.registry)
                    self._start(metric)
                case Spread():
                    self._histograms[metric.name] = Histogram(
                        *named, registry=self.registry, buckets=metric.buckets
                    )
                case _:
                    self._gauges[metric.name] = Gauge(*named, registry=self.registry)

    def count(self, metric: Count, amount: float = 1, **labels: str) -> None:
        """Adds to a counter."""
        self._of(self._counters[metric.name], labels).inc(amount)

    def set(self, metric: Level, value: float, **labels: str) -> None:
        """Sets a gauge."""
        self._of(self._gauges[metric.name], labels).set(value)

    def observe(self, metric: Spread, value: float, **labels: str) -> None:
        """Adds one observation to a histogram."""
        self._of(self._histograms[metric.name], labels).observe(value)

    def clear(self, metric: Level) -> None:
        """Forgets all label values of a gauge, such as partitions that went elsewhere."""
        self._gauges[metric.name].clear()

    def record(self, measures: Iterable[Measure], now: float) -> None:
        """Records what was measured on a message that is committed at `now` (seconds since the
        epoch)."""
        for measure in measures:
            match measure:
                case Sighting():
                    self.count(measure.metric, self._recurs(measure))
                case Sample(Age() as metric, moment, labels):
                    self.observe(metric, max(0.0, now - moment), **dict(labels))
                case Sample(Spread() as metric, value, labels):
                    self.observe(metric, value, **dict(labels))
                case Sample(Count() as metric, value, labels):
                    self.count(metric, value, **dict(labels))

    def _recurs(self, sighting: Sighting) -> bool:
        seen = self._seen.setdefault(sighting.metric.name, deque(maxlen=RECENT_SIGHTINGS))
        recurs = any(
            (sighting.signature ^ other.signature).bit_count() <= sighting.metric.within
            and sighting.owner != other.owner
            for other in seen
        )
        seen.append(sighting)
        return recurs

    def _start(self, metric: Count) -> None:
        """Counters start at 0 where that takes few series: an increase from nothing to 1 is none
        to Prometheus, and the first dead letter of its kind would wake nobody."""
        free = [label for label in metric.labels if label not in self._always]
        if not free:
            self.count(metric, 0)
        elif len(free) == 1 and len(LABELS[free[0]].values) <= MOST_AT_START:
            for value in LABELS[free[0]].values:
                self.count(metric, 0, **{free[0]: value})

    def _of(self, family: Any, labels: dict[str, str]) -> Any:
        every = {**self._always, **labels}
        if not every:
            return family
        return family.labels(**{name: LABELS[name].known(value) for name, value in every.items()})


class StageMetrics(Metrics):
    """The metrics of one stage's worker."""

    def __init__(self, stage: str) -> None:
        super().__init__(WORKER_METRICS, stage=stage)
        self.stage = stage
        for metric in (WORK_SECONDS, END_TO_END_SECONDS):
            self._of(self._histograms[metric.name], {})
