"""The judge: from what was accepted and what came out to what was lost, doubled or out of order.

Pure functions over records that were read back from the broker under read_committed. Nothing here
knows who processed them, so the same judge serves babelwire and the plain implementations.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import median
from typing import Final

from ops.chaos.records import OUTPUT

BEFORE_ANY_FAULT: Final = -1


@dataclass(frozen=True)
class Accepted:
    """A source record that a transaction committed. `at` is when, in seconds since the epoch;
    `expect` is OUTPUT or the reason code of the dead letter that it must become."""

    id: str
    key: str
    topic: str
    partition: int
    offset: int
    at: float
    expect: str = OUTPUT


@dataclass(frozen=True)
class Outcome:
    """A record that came out. `became` is OUTPUT or a dead letter's reason code; `at` is the
    broker's time of writing it, in seconds since the epoch."""

    id: str
    became: str
    topic: str
    partition: int
    offset: int
    at: float


@dataclass(frozen=True)
class Verdict:
    """What went wrong, as identities; all empty is what babelwire promises.

    `lost`: behind the committed offset, and nothing came out. `waiting`: not processed yet.
    `doubled`: one entry for each outcome beyond the first. `reordered`: came out after a later
    record of its key and source partition. `leaked`: from an aborted transaction. `misjudged`: a
    healthy record in the dead letters, or a poison one with another end than its own. `strangers`:
    outcomes that no source record explains.
    """

    lost: tuple[str, ...] = ()
    waiting: tuple[str, ...] = ()
    doubled: tuple[str, ...] = ()
    reordered: tuple[str, ...] = ()
    leaked: tuple[str, ...] = ()
    misjudged: tuple[str, ...] = ()
    strangers: tuple[str, ...] = ()

    @property
    def kept(self) -> bool:
        """Whether every promise was kept."""
        return not any(
            (
                self.lost,
                self.waiting,
                self.doubled,
                self.reordered,
                self.leaked,
                self.misjudged,
                self.strangers,
            )
        )


@dataclass(frozen=True)
class Stall:
    """A time during which a lane had a record to work on and nothing came out of it. A lane is
    what must not stand still: one source partition, or a whole pipeline."""

    lane: str
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        """How long it was."""
        return self.end - self.begin


def judge(
    accepted: Sequence[Accepted],
    outcomes: Sequence[Outcome],
    aborted: Collection[str],
    committed: Mapping[tuple[str, int], int] | None = None,
) -> Verdict:
    """Compares what was accepted with what came out.

    `committed` is the consumer group's offset by topic and partition; a record at or beyond it that
    has no outcome is waiting. Without it (a pipeline of several groups), what is missing is lost.
    """
    source = {record.id: record for record in accepted}
    counts = Counter(outcome.id for outcome in outcomes if outcome.id in source)
    missing = [record for record in accepted if record.id not in counts]
    waiting = [
        record
        for record in missing
        if committed is not None
        and record.offset >= committed.get((record.topic, record.partition), 0)
    ]
    still = {record.id for record in waiting}
    unexplained = [outcome.id for outcome in outcomes if outcome.id not in source]
    return Verdict(
        lost=tuple(record.id for record in missing if record.id not in still),
        waiting=tuple(record.id for record in waiting),
        doubled=tuple(name for name, count in counts.items() for _ in range(count - 1)),
        reordered=tuple(_reordered(source, outcomes)),
        leaked=tuple(name for name in unexplained if name in aborted),
        misjudged=tuple(
            outcome.id
            for outcome in outcomes
            if outcome.id in source and outcome.became != source[outcome.id].expect
        ),
        strangers=tuple(name for name in unexplained if name not in aborted),
    )


def _reordered(source: Mapping[str, Accepted], outcomes: Sequence[Outcome]) -> list[str]:
    """Order is looked at within one output partition: across partitions and topics there is none.
    Only a record's first outcome counts; its repeats are doubles, and counted as such."""
    newest: dict[Hashable, int] = {}
    seen: set[str] = set()
    late = []
    for outcome in sorted(outcomes, key=lambda each: (each.topic, each.partition, each.offset)):
        record = source.get(outcome.id)
        if record is None or outcome.id in seen:
            continue
        seen.add(outcome.id)
        flow = (outcome.topic, outcome.partition, record.key, record.topic, record.partition)
        if record.offset < newest.get(flow, -1):
            late.append(outcome.id)
        else:
            newest[flow] = record.offset
    return late


def stalls(
    accepted: Sequence[Accepted],
    outcomes: Sequence[Outcome],
    *,
    one_lane: bool,
    at_least: float,
) -> list[Stall]:
    """The stalls of `at_least` seconds, in the order of their beginnings.

    A lane stalls from its last outcome, or from when it next had something to do, until its next
    outcome.
    """
    first: dict[str, float] = {}
    for outcome in outcomes:
        first[outcome.id] = min(outcome.at, first.get(outcome.id, outcome.at))
    lanes: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for record in accepted:
        if record.id in first:
            lane = "all" if one_lane else f"{record.topic}/{record.partition}"
            lanes[lane].append((first[record.id], record.at))
    found = []
    for lane, pairs in lanes.items():
        pairs.sort()
        waiting_since = [at for _, at in pairs]
        for position in range(len(waiting_since) - 2, -1, -1):
            waiting_since[position] = min(waiting_since[position], waiting_since[position + 1])
        previous = 0.0
        for (out, _), since in zip(pairs, waiting_since, strict=True):
            begin = max(previous, since)
            if out - begin >= at_least:
                found.append(Stall(lane, begin, out))
            previous = out
    return sorted(found, key=lambda stall: stall.begin)


def blame(
    found: Sequence[Stall], times: Sequence[float], slack: float = 1.5
) -> dict[int, list[Stall]]:
    """The stalls by the number of the fault that brought them; `times` are the faults' beginnings.

    A fault that happens within a stall, or at most `slack` seconds before it (a poison record has
    to be written first), brought it: the first, where there are several. Else it was the last one
    before. What stalls before any fault is under BEFORE_ANY_FAULT.
    """
    blamed: dict[int, list[Stall]] = defaultdict(list)
    for stall in found:
        within = [each for each, at in enumerate(times) if stall.begin - slack <= at <= stall.end]
        before = [each for each, at in enumerate(times) if at < stall.begin]
        cause = within[0] if within else before[-1] if before else BEFORE_ANY_FAULT
        blamed[cause].append(stall)
    return dict(blamed)


def series(
    accepted: Sequence[Accepted], outcomes: Sequence[Outcome], begin: float, end: float, step: float
) -> list[tuple[float, float, int]]:
    """A timeline of (seconds since `begin`, outcomes per second, records accepted and not out)."""
    taken = sorted(record.at for record in accepted)
    first: dict[str, float] = {}
    for outcome in outcomes:
        first[outcome.id] = min(outcome.at, first.get(outcome.id, outcome.at))
    known = {record.id for record in accepted}
    out = sorted(at for name, at in first.items() if name in known)
    ticks = [begin + step * number for number in range(int((end - begin) / step) + 2)]
    return [
        (
            right - begin,
            (bisect_right(out, right) - bisect_right(out, left)) / step,
            max(0, bisect_right(taken, right) - bisect_right(out, right)),
        )
        for left, right in pairwise(ticks)
    ]


def growth(
    samples: Sequence[tuple[float, float]], since: float, window: float
) -> tuple[float, float] | None:
    """Median memory in the `window` seconds from `since` on, and in the last `window` seconds.

    None where the two windows would overlap: then there is nothing to compare.
    """
    if not samples or samples[-1][0] - since < 2 * window:
        return None
    early = [value for at, value in samples if since <= at <= since + window]
    late = [value for at, value in samples if at >= samples[-1][0] - window]
    return (median(early), median(late)) if early and late else None
