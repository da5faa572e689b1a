"""The circuit breaker: what a stage does while its engine, not its records, is at fault.

States, after M. Nygard, "Release It!" (2007), chapter 5:

    CLOSED ── `trip_after` failures in a row ──▶ OPEN ── pause over ──▶ HALF_OPEN
       ▲                                          ▲                        │
       │                                          └─ the trial fails ──────┤  (twice the pause)
       └───────────────────── the trial succeeds ──────────────────────────┘

Closed, work flows. Open, nothing is tried and nothing more is read. Half-open, one record is tried.
No clock here: times are seconds on whatever clock the caller reads.
"""

from enum import Enum
from typing import Final

TRIP_AFTER: Final = 5
FIRST_PAUSE_SECONDS: Final = 1.0
LONGEST_PAUSE_SECONDS: Final = 30.0


class Circuit(Enum):
    """The breaker's state; the value is what the metric shows."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


class Breaker:
    """One stage's breaker, fed with what became of each attempt."""

    def __init__(self) -> None:
        self._failures = 0
        self._pause = FIRST_PAUSE_SECONDS
        self._reopens_at: float | None = None
        self._trial = False

    def state(self, now: float) -> Circuit:
        """The state at a time."""
        if self._reopens_at is None:
            return Circuit.CLOSED
        return Circuit.OPEN if now < self._reopens_at else Circuit.HALF_OPEN

    def wait(self, now: float) -> float:
        """Seconds until something may be tried; 0 when it may be now."""
        return 0.0 if self._reopens_at is None else max(0.0, self._reopens_at - now)

    def admits(self, now: float) -> bool:
        """Whether an attempt may begin now; half-open, only one that is not answered yet may."""
        return {
            Circuit.CLOSED: True,
            Circuit.OPEN: False,
            Circuit.HALF_OPEN: not self._trial,
        }[self.state(now)]

    def began(self, now: float) -> None:
        """An attempt begins."""
        self._trial = self.state(now) is Circuit.HALF_OPEN

    def succeeded(self) -> None:
        """The engine worked: an output or a verdict on the record came back."""
        self._failures, self._pause = 0, FIRST_PAUSE_SECONDS
        self._reopens_at, self._trial = None, False

    def failed(self, now: float) -> None:
        """The engine was unavailable."""
        self._failures += 1
        if self._reopens_at is not None:
            if not self._trial:
                return  # an attempt from before it opened
            self._pause = min(LONGEST_PAUSE_SECONDS, self._pause * 2)
        elif self._failures < TRIP_AFTER:
            return
        self._trial = False
        self._reopens_at = now + self._pause
