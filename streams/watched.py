"""A worker's language processes, watched: the line before them, how busy they are, the cost."""

from typing import Protocol

from streams.metrics import CPU_SECONDS, OTHER, PROCESSES, QUEUE, WORK_SECONDS, StageMetrics
from streams.pool import Worked
from streams.stage import Produced


class Pool(Protocol):
    """What works on records, one call each."""

    async def run(self, value: bytes | None) -> Worked:
        """Has one record worked on."""
        ...


class WatchedPool:
    """A pool that records every run of another. What was spent counts whether or not the outcome
    is ever committed."""

    def __init__(self, pool: Pool, metrics: StageMetrics, processes: int) -> None:
        self._pool = pool
        self._metrics = metrics
        self._processes = processes
        self._under_way = 0
        metrics.set(PROCESSES, processes)
        metrics.set(QUEUE, 0)

    async def run(self, value: bytes | None) -> Worked:
        """As the other pool's `run`."""
        self._change(+1)
        try:
            worked = await self._pool.run(value)
        finally:
            self._change(-1)
        self._metrics.observe(WORK_SECONDS, worked.seconds)
        outcome = worked.outcome
        language = outcome.language if isinstance(outcome, Produced) else OTHER
        self._metrics.count(CPU_SECONDS, worked.cpu_seconds, language=language)
        return worked

    def _change(self, by: int) -> None:
        self._under_way += by
        self._metrics.set(QUEUE, max(0, self._under_way - self._processes))
