"""The bench measures the real pipeline on a real broker, and leaves nothing behind."""

import asyncio
import os

from ops.bench import phases
from ops.bench.phases import Plan
from ops.bench.workload import Workload
from ops.chaos import processes

SMALL = Plan(seconds=3, articles=20, cores=1, loads=(0.5,), fewest=6, warm=4, copies=4, window=6)


def test_the_pipeline_is_measured_from_its_start_to_its_copies() -> None:
    said: list[str] = []
    before = set(processes.family([os.getpid()]))
    found = asyncio.run(phases.pipeline(Workload(None), SMALL, said.append))
    assert found["whole"]["articles_per_s"] > 0
    assert found["plain"]["articles_per_s"] > 0
    [latency] = found["latency"]
    assert latency["articles"] >= 6
    assert 0 < latency["p50"] <= latency["p95"] <= latency["p99"] <= latency["max"]
    start = found["start"]
    assert 0 < start["all_ready_s"] < start["first_event_s"]
    # Two processes share what they remember, so the second of two copies is hardly work.
    assert found["copies"]["translation_share"] < 0.2
    assert set(found["whole"]["cpu_ms"]) >= {"broker", "work translation/0", "delivery tagging/0"}
    assert any("kept busy" in words for words in said)
    assert set(processes.family([os.getpid()])) <= before
