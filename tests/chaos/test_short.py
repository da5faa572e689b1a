"""The short form of the proof, in every run: faults under load, and nothing left behind."""

import asyncio
import signal
from pathlib import Path

import orjson
import pytest

from ops.chaos import experiment, report
from ops.chaos.experiment import Options
from ops.chaos.processes import alive, family
from tests.broker.harness import Desk, until

SHORT = Options(
    messages=4000,
    workers=2,
    faults=("kill", "term", "stop", "broker", "poison"),
    seed=1,
    quiet=(2.0, 4.0),
    once=True,
)


def worker_pids(desk: Desk) -> dict[str, int]:
    """The newest pid of each worker that the supervisor told of."""
    pids = {}
    for line in desk.log_of("run").read_text().splitlines():
        if line.startswith("{"):
            entry = orjson.loads(line)
            if entry["event"] == "started":
                pids[entry["worker"]] = entry["pid"]
    return pids


@pytest.mark.chaos
def test_every_record_comes_out_once_and_in_order_under_faults(tmp_path: Path) -> None:
    seen = asyncio.run(experiment.run(SHORT, print, logs_to=tmp_path))
    figures = report.summary(seen)
    told = report.as_json(seen, experiment.machine())
    assert told["broken"] == {}, figures
    assert figures["messages"] >= SHORT.messages
    assert figures["aborted"] > 0
    assert figures["dead_letters"] == 7, "each poison record, and no other, is a dead letter"
    assert {fault.name for fault in seen.faults} == set(SHORT.faults)
    assert seen.lag == 0
    assert report.kept(seen)
    assert "exactly once" in report.page(told)


def test_no_process_is_left_when_the_supervisor_has_stopped(desk: Desk) -> None:
    with desk.running("run"):
        desk.await_ready()
        left = family(worker_pids(desk).values())
    until(lambda: not [pid for pid in left if alive(pid)], 15, "all processes gone")


def test_the_language_processes_end_with_a_killed_worker(desk: Desk) -> None:
    with desk.running("worker", "translation") as worker:
        desk.await_ready("translation")
        left = family([worker.pid])
        assert len(left) > 1
        worker.send_signal(signal.SIGKILL)
        worker.wait(timeout=10)
        until(lambda: not [pid for pid in left if alive(pid)], 15, "all processes gone")
