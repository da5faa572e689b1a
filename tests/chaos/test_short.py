"""The short form, in every run: kills and a broker restart under the real, supervised pipeline."""

import os
import re
import signal
import time
from pathlib import Path

import orjson

from agents.pipeline import PIPELINE
from streams import embedded
from tests.broker.harness import Desk, open_desk, until

NUMBER = 120


def article(number: int) -> tuple[bytes, bytes, list[tuple[str, bytes]]]:
    body = f"The council of Cardiff met on Monday about item {number}. Owen Maddox spoke first."
    url = f"https://example.org/{number}"
    return url.encode(), orjson.dumps({"body": body, "url": url}), []


def worker_pids(desk: Desk) -> dict[str, int]:
    """The newest pid of each worker that the supervisor told of."""
    pids = {}
    for line in desk.log_of("run").read_text().splitlines():
        if line.startswith("{"):
            entry = orjson.loads(line)
            if entry["event"] == "started":
                pids[entry["worker"]] = entry["pid"]
    return pids


def enriched_urls(desk: Desk) -> list[str]:
    return [event["url"] for event in desk.events()]


def test_every_article_comes_out_although_each_stage_is_killed_once(desk: Desk) -> None:
    with desk.running("run"):
        desk.await_ready()
        for position, stage in enumerate(PIPELINE):
            share = NUMBER // len(PIPELINE)
            desk.produce([article(position * share + each) for each in range(share)])
            time.sleep(1)
            os.kill(worker_pids(desk)[f"{stage.name}/0"], signal.SIGKILL)
        until(lambda: len(set(enriched_urls(desk))) == NUMBER, 150, "all articles")
        log = desk.log_of("run").read_text()
    assert len(re.findall("worker died; starting it again", log)) >= len(PIPELINE)
    assert "killed by SIGKILL" in log
    by_url: dict[str, set[str]] = {}
    for event in desk.events():
        by_url.setdefault(event["url"], set()).add(event["event_id"])
    assert all(len(ids) == 1 for ids in by_url.values()), "a repeat must carry the same event_id"
    assert desk.dead_letters() == {}


def test_every_article_comes_out_although_the_broker_restarts(tmp_path: Path, jars: Path) -> None:
    state = tmp_path / "kafka"
    broker = embedded.start(state, jars=jars, port=0)
    desk = open_desk(broker.bootstrap, tmp_path)
    try:
        with desk.running("run"):
            desk.await_ready()
            desk.produce([article(each) for each in range(NUMBER // 2)])
            embedded.stop(state)
            time.sleep(3)
            embedded.start(state, jars=jars, port=int(broker.bootstrap.rsplit(":", 1)[1]))
            desk.produce([article(each) for each in range(NUMBER // 2, NUMBER)])
            until(lambda: len(set(enriched_urls(desk))) == NUMBER, 150, "all articles")
    finally:
        embedded.stop(state)


def test_no_process_is_left_when_the_supervisor_has_stopped(desk: Desk) -> None:
    with desk.running("run"):
        desk.await_ready()
        family = descendants(list(worker_pids(desk).values()))
    until(lambda: not [pid for pid in family if alive(pid)], 15, "all processes gone")


def test_the_language_processes_end_with_a_killed_worker(desk: Desk) -> None:
    with desk.running("worker", "translation") as worker:
        desk.await_ready("translation")
        family = descendants([worker.pid])
        assert len(family) > 1
        worker.send_signal(signal.SIGKILL)
        worker.wait(timeout=10)
        until(lambda: not [pid for pid in family if alive(pid)], 15, "all processes gone")


def descendants(roots: list[int]) -> list[int]:
    """The processes and all below them, from /proc."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        children.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found = list(roots)
    for pid in found:
        found += children.get(pid, [])
    return found


def alive(pid: int) -> bool:
    """Whether a process exists and is not a zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False
