"""The bench measures the real pipeline on a real broker, and leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

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


def test_a_bench_that_is_told_to_stop_leaves_nothing_running() -> None:
    bench = subprocess.Popen(
        [sys.executable, "-m", "ops.bench", "--only", "pipeline", "--quick"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert bench.stderr is not None
        # The three workers and the broker run from this line on.
        assert any("kept busy" in line for line in bench.stderr)
        started = set(processes.family([bench.pid])) - {bench.pid}
        assert len(started) > 4
        bench.send_signal(signal.SIGTERM)
        _, said = bench.communicate(timeout=60)
    finally:
        bench.kill()
    assert bench.returncode == 130
    assert "nothing is left running" in said
    deadline = time.monotonic() + 5
    while (alive := [pid for pid in started if _runs(pid)]) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not alive


def _runs(pid: int) -> bool:
    with suppress(OSError, IndexError):
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        return state != "Z"
    return False
