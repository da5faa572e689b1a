"""What a stage is: a name, the topic it reads, the topic it writes, and its work.

Work is a plain function from one message to the next. It knows nothing of Kafka, has no clock and
no side effects, and raises `Unprocessable` for input that no retry will help. `attempt` turns it
into a function from bytes to an `Outcome` value; that is what runs in the language processes.
"""

import math
import os
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from schemas import MessageError, NormalizedArticle, Reason, Unprocessable, decode, encode
from streams.metrics import UNMEASURED, Measure, Sample
from streams.settings import Settings
from streams.topics import LARGEST_RECORD_BYTES, Topic

Work = Callable[[Any], NormalizedArticle]


def nothing(*_: Any) -> Sequence[Measure]:
    """The measures of a stage that has none."""
    return ()


# Headers and framing travel in the same batch as the value and count against the same limit.
_ENVELOPE_BYTES = 64 * 1024


@dataclass(frozen=True)
class Stage:
    """A step of the pipeline, as data.

    `load` is called once in each language process and once per `babelwire enrich`; it loads the
    models and returns the work, from an instance of `reads.schema` to one of `writes.schema`.
    It must be a module-level function, so that it can be sent to another process by name.
    `version` is the version of what the work does; change it when outputs change.
    `measure` says what to record in the metrics about a message of `writes.schema`; like the work
    it is pure, at module level, and runs in the language process. `tally` says what no message
    tells and the process itself has counted since it was last asked, such as hits of a cache.
    `share` is the part of an article's processor time that goes into this stage, measured by
    `python -m ops.bench`; a worker has as many language processes as that share of the cores.
    """

    name: str
    version: str
    reads: Topic
    writes: Topic
    load: Callable[[Settings], Work]
    measure: Callable[[Any], Sequence[Measure]] = nothing
    tally: Callable[[], Sequence[Measure]] = nothing
    share: float = 0.0

    def processes(self, settings: Settings) -> int:
        """How many language processes a worker has, on the cores that this process may use."""
        return settings.processes or max(1, math.ceil(self.share * len(os.sched_getaffinity(0))))


@dataclass(frozen=True)
class Produced:
    """The record that the work gave: `key` and `value` for the stage's output topic, and what to
    record in the metrics once it is committed."""

    key: bytes
    value: bytes
    event_id: str
    language: str
    measures: tuple[Measure, ...] = ()


@dataclass(frozen=True)
class Failed:
    """Why the work gave none. `where` is a code location for the log, free of article text."""

    reason: Reason
    error: str
    where: str = ""


@dataclass(frozen=True)
class Deferred:
    """The engine, not the record, was at fault: the record is to be tried again later."""

    error: str


Outcome = Produced | Failed
Attempt = Outcome | Deferred


class Unavailable(Exception):
    """Raised by a stage's work when its engine cannot work now and the record is not to blame.

    The record is tried again, at its place in the order, however long that takes; after some
    failures in a row the stage pauses (see `streams.breaker`). The message names the engine and the
    fault, without article text.
    """


def attempt(stage: Stage, work: Work, value: bytes | None, max_record_bytes: int) -> Attempt:
    """Decodes one record, does the work, encodes the result; every failure comes back as a value.

    Only what ends the process (a signal, a crashing model) is not caught here.
    """
    if stage.reads.public and value is not None and len(value) > max_record_bytes:
        return Failed(
            "too_large",
            f"{len(value)} bytes, the limit is {max_record_bytes} (setting max_record_bytes);"
            " split the article or raise the limit",
        )
    try:
        if stage.reads.schema is None:
            raise TypeError(f"topic {stage.reads.name} has no schema, so no stage can read it")
        result = work(decode(stage.reads.schema, value))
        encoded = encode(result)
    except MessageError as fault:
        return Failed(fault.reason, fault.error)
    except Unprocessable as verdict:
        return Failed(verdict.reason, verdict.error)
    except Unavailable as fault:
        return Deferred(str(fault))
    except Exception as fault:  # noqa: BLE001 - one record's fault must not stop its neighbours
        last = traceback.extract_tb(fault.__traceback__)[-1]
        return Failed(
            "failed",
            f"{type(fault).__name__}: {fault}",
            where=f"{type(fault).__name__} at {Path(last.filename).name}:{last.lineno}",
        )
    if len(encoded) > LARGEST_RECORD_BYTES - _ENVELOPE_BYTES:
        return Failed(
            "too_large",
            f"{stage.name} made {len(encoded)} bytes of it, more than a record may hold",
        )
    return Produced(
        result.article_id.encode(),
        encoded,
        result.event_id,
        result.language.code,
        _measured(stage, result),
    )


def _measured(stage: Stage, result: NormalizedArticle) -> tuple[Measure, ...]:
    try:
        return (*stage.measure(result), *stage.tally())
    except Exception:  # noqa: BLE001 - an article must not fail because it could not be measured
        return (Sample(UNMEASURED, 1),)
