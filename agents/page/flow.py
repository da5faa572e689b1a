"""How the flow is doing, as values: tallies of what passes each topic, and what to say of it. Pure.

Everything is bounded: counts by second for RATE_SECONDS, waiting times for LATENCY_SECONDS, dead
letters by minute for an hour, and the newest of them.
"""

from collections import Counter, deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from streams.dead_letters import Found
from streams.reading import source_of

RATE_SECONDS: Final = 60
LATENCY_SECONDS: Final = 300
MOST_LATENCIES: Final = 5_000
HOUR_MINUTES: Final = 60
MOST_LETTERS: Final = 100
# What is a few seconds behind is a stage at work, not one that holds up the rest.
BEHIND_SECONDS: Final = 5.0

State = Literal["flowing", "late", "down", "idle", "waiting", "broker"]


@dataclass(frozen=True)
class StageState:
    """One stage. `per_minute` counts records it wrote; `lag_seconds` is the age of the oldest
    record it has not finished; `overdue` how many of them are older than `fresh_within`."""

    stage: str
    version: str
    workers: int
    per_minute: int
    lag_records: int
    lag_seconds: float
    overdue: int


@dataclass(frozen=True)
class Failures:
    """Dead letters of one stage and reason within the last hour."""

    stage: str
    reason: str
    count: int


@dataclass(frozen=True)
class Snapshot:
    """The flow at one moment (`at`, seconds since the epoch). `median` and `most` are seconds from
    push to enriched, half and 95 of 100 articles within, over the last minutes; null when none
    came. `broker` is false when it does not answer; then the rest is what was last known."""

    at: float
    broker: bool
    state: State
    words: str
    pushed_per_minute: int
    enriched_per_minute: int
    median: float | None
    most: float | None
    bottleneck: str | None
    stages: tuple[StageState, ...]
    failures: tuple[Failures, ...]


class Passing:
    """Records that pass a topic, counted by second."""

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, int]] = deque()

    def note(self, at: float) -> None:
        """Counts a record written at `at`."""
        second = int(at)
        if self._seconds and self._seconds[-1][0] >= second:
            last, count = self._seconds[-1]
            self._seconds[-1] = (last, count + 1)
        else:
            self._seconds.append((second, 1))
        while self._seconds[-1][0] - self._seconds[0][0] > RATE_SECONDS:
            self._seconds.popleft()

    def per_minute(self, now: float) -> int:
        """Records of the last minute."""
        return sum(count for second, count in self._seconds if now - second <= RATE_SECONDS)


class Latencies:
    """How long the latest articles took."""

    def __init__(self) -> None:
        self._taken: deque[tuple[float, float]] = deque(maxlen=MOST_LATENCIES)

    def note(self, at: float, seconds: float) -> None:
        """An article that was finished at `at` after so many seconds."""
        self._taken.append((at, max(0.0, seconds)))

    def within(self, share: float, now: float) -> float | None:
        """Seconds within which that share of the last minutes' articles was finished."""
        while self._taken and now - self._taken[0][0] > LATENCY_SECONDS:
            self._taken.popleft()
        if not self._taken:
            return None
        ordered = sorted(seconds for _, seconds in self._taken)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


@dataclass(frozen=True)
class Letter:
    """A dead letter as the page shows it; `size` in bytes, `at` in seconds since the epoch."""

    place: str
    at: float
    failed_at: str
    stage: str
    reason: str
    error: str
    attempts: int
    origin: str
    source: str | None
    size: int
    replays: int
    worn: bool


def letter(found: Found) -> Letter:
    """What the page shows of a dead letter."""
    told = found.letter
    return Letter(
        place=found.place,
        at=found.record.timestamp / 1000,
        failed_at=told.failed_at,
        stage=told.stage,
        reason=told.reason,
        error=told.error,
        attempts=told.attempts,
        origin=f"{told.source_topic}/{told.source_partition}@{told.source_offset}",
        source=source_of(found.record.value),
        size=len(found.record.value or b""),
        replays=found.replays,
        worn=found.is_worn,
    )


@dataclass
class LetterBook:
    """The newest dead letters, and how many of each kind came in the last hour. `replayed` has the
    places that were sent back from here."""

    letters: deque[Letter] = field(default_factory=lambda: deque(maxlen=MOST_LETTERS))
    replayed: set[str] = field(default_factory=set)
    _minutes: deque[tuple[int, Counter[tuple[str, str]]]] = field(default_factory=deque)

    def note(self, each: Letter) -> None:
        """Takes a dead letter in."""
        self.letters.append(each)
        self.replayed &= {kept.place for kept in self.letters}
        minute = int(each.at // 60)
        if not self._minutes or self._minutes[-1][0] < minute:
            self._minutes.append((minute, Counter()))
        self._minutes[-1][1][each.stage, each.reason] += 1
        while self._minutes[-1][0] - self._minutes[0][0] > HOUR_MINUTES:
            self._minutes.popleft()

    def last_hour(self, now: float) -> tuple[Failures, ...]:
        """Counts by stage and reason, most first."""
        oldest = now // 60 - HOUR_MINUTES
        total: Counter[tuple[str, str]] = Counter()
        for minute, counts in self._minutes:
            if minute >= oldest:
                total += counts
        return tuple(
            Failures(stage, reason, count) for (stage, reason), count in total.most_common()
        )

    def find(self, place: str) -> Letter | None:
        """The letter at a place, if it is still among the newest."""
        return next((each for each in self.letters if each.place == place), None)


def bottleneck(stages: Iterable[StageState]) -> str | None:
    """The stage whose oldest record waits longest, where that is long enough to matter."""
    behind = [each for each in stages if each.lag_records and each.lag_seconds > BEHIND_SECONDS]
    return max(behind, key=lambda each: each.lag_seconds).stage if behind else None


def judge(
    stages: Sequence[StageState], broker: bool, enriched_per_minute: int, most: float | None
) -> tuple[State, str]:
    """The state in one word and in one sentence for a tired person."""
    if not broker:
        return "broker", "Kafka does not answer; what stands here is what was last known."
    down = [each.stage for each in stages if not each.workers]
    waiting = sum(each.lag_records for each in stages)
    if down:
        held = f"{_articles(waiting)} waiting" if waiting else "nothing is lost, what comes waits"
        return "down", f"No worker for {_listed(down)}: {held}."
    overdue = sum(each.overdue for each in stages)
    slowest = bottleneck(stages)
    if overdue:
        return "late", f"{_articles(overdue)} overdue; {slowest or 'the flow'} holds them up."
    if enriched_per_minute:
        within = f", 95 of 100 within {duration(most)} of their push" if most is not None else ""
        return "flowing", f"News is flowing: {_articles(enriched_per_minute)} a minute{within}."
    if waiting:
        return "waiting", f"{_articles(waiting)} under way, none finished in the last minute."
    return "idle", "All is well and quiet: nothing waits, nothing came in the last minute."


def duration(seconds: float) -> str:
    """Seconds as people say them: `0.4 s`, `42 s`, `3 min`, `2.5 h`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"


def _articles(number: int) -> str:
    return f"{number:,} article{'s' if number != 1 else ''}"


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
