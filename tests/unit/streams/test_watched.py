"""What a language process cost is recorded, whatever became of the record."""

import asyncio
import subprocess
import sys
import time

from streams.cost import resident_bytes, seconds_spent
from streams.metrics import CPU_SECONDS, PROCESSES, QUEUE, WORK_SECONDS, StageMetrics
from streams.pool import Worked
from streams.stage import Failed, Outcome, Produced
from streams.watched import WatchedPool


class Pool:
    """Holds every record until it is let go."""

    def __init__(self) -> None:
        self.waiting: list[asyncio.Future[Worked]] = []

    async def run(self, value: bytes | None) -> Worked:
        self.waiting.append(asyncio.get_running_loop().create_future())
        return await self.waiting[-1]


def test_the_line_is_what_is_under_way_beyond_the_processes_and_costs_are_kept_by_language() -> (
    None
):
    metrics = StageMetrics("tagging")

    def value(name: str, **labels: str) -> float | None:
        return metrics.registry.get_sample_value(name, {"stage": "tagging", **labels})

    async def play() -> None:
        pool = Pool()
        watched = WatchedPool(pool, metrics, processes=2)
        runs = [asyncio.create_task(watched.run(b"")) for _ in range(5)]
        await asyncio.sleep(0)
        assert value(QUEUE.name) == 3
        outcomes: list[Outcome] = [Produced(b"", b"", "", "it"), Failed("failed", "")]
        for future, outcome in zip(pool.waiting, outcomes, strict=False):
            future.set_result(Worked(outcome, 1, 2.0, 1.5))
        await asyncio.gather(*runs[:2])
        assert value(QUEUE.name) == 1
        for run in runs[2:]:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)

    asyncio.run(play())
    assert value(QUEUE.name) == 0
    assert value(PROCESSES.name) == 2
    assert value(f"{WORK_SECONDS.name}_sum") == 4.0
    assert value(CPU_SECONDS.name, language="it") == 1.5
    assert value(CPU_SECONDS.name, language="other") == 1.5


BURN = "import time\nwhile time.process_time() < 0.3: pass\n"


def test_programs_that_ended_and_programs_that_still_run_count() -> None:
    before = seconds_spent()
    subprocess.run([sys.executable, "-c", BURN], check=True)
    assert seconds_spent() - before >= 0.3
    before = seconds_spent()
    with subprocess.Popen(
        [sys.executable, "-c", BURN + "print('burnt', flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"burnt\n"
        alive = seconds_spent() - before
        running.communicate(b"\n")
    assert alive >= 0.25
    # When it ends its time is not counted twice.
    assert seconds_spent() - before < alive + 0.3


def test_memory_includes_what_runs_below() -> None:
    before = resident_bytes()
    program = "held = b'x' * 80_000_000\nprint('held', flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as running:
        assert running.stdout is not None
        running.stdout.readline()
        time.sleep(0.1)
        with_it = resident_bytes()
        running.communicate(b"\n")
    assert with_it - before > 70_000_000
