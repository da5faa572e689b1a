"""One worker's life: it waits for its broker, drains on SIGTERM and continues where it was."""

import asyncio
import signal
import sys
import time
import urllib.request
from pathlib import Path

import orjson
from aiokafka.admin import NewPartitions

from agents.pipeline import PIPELINE
from streams import clients, embedded
from streams.transport import FETCH_BYTES
from streams.worker import EXIT_DELIVERY
from tests.broker import away
from tests.broker.harness import Desk, free_metrics_port, open_desk, until

WORKER = ("worker", "normalization")


def article(number: int) -> bytes:
    body = f"La notizia numero {number} è arrivata in redazione questa mattina presto. " * 3
    return orjson.dumps({"body": body, "url": f"https://example.org/{number}"})


def test_an_idle_worker_stops_within_five_seconds_of_sigterm(desk: Desk) -> None:
    with desk.running(*WORKER) as worker:
        desk.await_ready("normalization")
        began = time.monotonic()
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=10) == 0
        assert time.monotonic() - began < 5


def end_in_the_middle(desk: Desk, number: int, how: signal.Signals) -> int:
    """Pushes so many articles and ends the worker among them; returns its exit code."""
    desk.produce([(str(each).encode(), article(each), []) for each in range(number)])
    with desk.running(*WORKER) as worker:
        until(lambda: desk.count("normalized") > 20, 60, "the first outputs")
        worker.send_signal(how)
        return worker.wait(timeout=30)


def test_sigterm_in_the_middle_loses_nothing_and_a_restart_continues_where_it_was(
    desk: Desk,
) -> None:
    number = 1_500
    assert end_in_the_middle(desk, number, signal.SIGTERM) == 0
    before = desk.count("normalized")
    assert before < number
    with desk.running(*WORKER):
        until(lambda: desk.count("normalized") >= number, 60, "the rest")
    urls = [orjson.loads(record.value)["url"] for record in desk.records("normalized")]
    assert sorted(urls) == sorted(f"https://example.org/{each}" for each in range(number))


def test_a_killed_worker_loses_and_doubles_nothing(desk: Desk) -> None:
    number = 1_500
    end_in_the_middle(desk, number, signal.SIGKILL)
    with desk.running(*WORKER):
        until(lambda: len({e["url"] for e in normalized(desk)}) == number, 90, "all articles")
        until(lambda: desk.lag("normalization") == 0, 30, "no lag")
    urls = [event["url"] for event in normalized(desk)]
    assert sorted(urls) == sorted(f"https://example.org/{each}" for each in range(number))


def test_at_least_once_delivery_loses_nothing_either(desk: Desk) -> None:
    number = 1_500
    desk.environment["BABELWIRE_DELIVERY"] = "at-least-once"
    end_in_the_middle(desk, number, signal.SIGKILL)
    with desk.running(*WORKER):
        until(lambda: len({e["url"] for e in normalized(desk)}) == number, 90, "all articles")


def normalized(desk: Desk) -> list[dict[str, str]]:
    return [orjson.loads(record.value) for record in desk.records("normalized")]


def test_outputs_keep_the_order_of_their_source_partition(desk: Desk) -> None:
    places = desk.produce([(b"same", article(each), []) for each in range(60)])
    assert len({place.split("@")[0] for place in places}) == 1
    with desk.running(*WORKER):
        until(lambda: desk.count("normalized") >= 60, 60, "all outputs")
    by_time = sorted(desk.records("normalized"), key=lambda record: record.timestamp)
    by_partition: dict[int, list[int]] = {}
    for record in by_time:
        number = int(orjson.loads(record.value)["url"].rsplit("/", 1)[1])
        by_partition.setdefault(record.partition, []).append(number)
    assert all(numbers == sorted(numbers) for numbers in by_partition.values())


def test_two_workers_share_the_partitions_and_nothing_is_lost_or_doubled_when_one_joins(
    desk: Desk,
) -> None:
    number = 300
    with desk.running(*WORKER):
        desk.await_ready("normalization")
        desk.produce([(str(each).encode(), article(each), []) for each in range(number)])
        with desk.running(*WORKER, "--slot", "1"):
            until(lambda: len({e["url"] for e in normalized(desk)}) == number, 90, "all articles")
    assert len(normalized(desk)) == number


def test_a_worker_without_a_broker_says_so_once_and_connects_when_it_comes(
    tmp_path: Path, jars: Path
) -> None:
    state = tmp_path / "kafka"
    broker = embedded.start(state, jars=jars, port=0)
    port = int(broker.bootstrap.rsplit(":", 1)[1])
    desk = open_desk(broker.bootstrap, tmp_path)
    embedded.stop(state)
    try:
        with desk.running(*WORKER):
            time.sleep(6)
            log = desk.log_of(*WORKER).read_text()
            assert log.count("no Kafka broker answers at") == 1
            assert "babelwire kafka start" in log
            embedded.start(state, jars=jars, port=port)
            desk.await_ready("normalization")
            desk.produce([(None, article(1), [])])
            until(lambda: desk.count("normalized") == 1, 30, "the article")
    finally:
        embedded.stop(state)


def test_run_creates_the_topics_when_its_broker_comes_late(tmp_path: Path, jars: Path) -> None:
    state = tmp_path / "kafka"
    broker = embedded.start(state, jars=jars, port=0)
    port = int(broker.bootstrap.rsplit(":", 1)[1])
    desk = open_desk(broker.bootstrap, tmp_path)
    embedded.stop(state)
    desk.environment["BABELWIRE_TOPIC_PREFIX"] = "late"
    try:
        with desk.running("run"):
            until(lambda: "no Kafka broker" in desk.log_of("run").read_text(), 30, "the message")
            embedded.start(state, jars=jars, port=port)
            desk.await_ready()
    finally:
        embedded.stop(state)
    assert "created topics late.raw" in desk.log_of("run").read_text()


def test_a_worker_waits_for_missing_topics_and_names_them(desk: Desk) -> None:
    desk.environment["BABELWIRE_TOPIC_PREFIX"] = "elsewhere"
    desk.environment["BABELWIRE_METRICS_PORT"] = str(free_metrics_port())
    with desk.running(*WORKER) as worker:
        log = desk.log_of(*WORKER)
        until(lambda: "topics missing" in log.read_text(), 30, "the message")
        assert "elsewhere.raw" in log.read_text()
        assert worker.poll() is None


def test_a_taken_metrics_port_is_named(desk: Desk) -> None:
    with desk.running(*WORKER):
        desk.await_ready("normalization")
        second = desk.run(*WORKER, check=False)
    assert second.returncode != 0
    assert f"127.0.0.1:{desk.settings.metrics_port}" in second.stderr.decode()


def test_creating_topics_twice_changes_nothing(desk: Desk) -> None:
    assert asyncio.run(clients.create_topics(desk.settings)) == []


def test_a_worker_serves_its_health_and_metrics(desk: Desk) -> None:
    with desk.running(*WORKER):
        desk.await_ready("normalization")
        for path, words in (
            ("healthz", "alive"),
            ("readyz", "ready"),
            ("metrics", 'babelwire_ready{stage="normalization"} 1.0'),
        ):
            url = f"http://127.0.0.1:{desk.settings.metrics_port}/{path}"
            with urllib.request.urlopen(url, timeout=5) as response:
                assert words in response.read().decode()


def test_an_engine_that_is_away_for_a_while_pauses_the_stage_and_nothing_is_skipped(
    desk: Desk, tmp_path: Path
) -> None:
    switch = tmp_path / "away"
    switch.touch()
    desk.produce([(str(each).encode(), article(each), []) for each in range(20)])
    desk.environment[away.SWITCH] = str(switch)
    command = [sys.executable, "-m", "tests.broker.away"]
    with desk.running_program("away", command):
        desk.await_ready("normalization")
        until(lambda: desk.status()["normalization"]["circuit"] == "open", 30, "an open circuit")
        assert desk.count("normalized") == desk.count("dead-letters") == 0
        assert "the engine is being replaced" in (desk.folder / "away.log").read_text()
        switch.unlink()
        until(lambda: desk.count("normalized") == 20, 60, "all outputs")
        assert desk.status()["normalization"]["circuit"] == "closed"
        until(lambda: desk.lag("normalization") == 0, 30, "no lag")


def test_a_record_that_is_larger_than_what_is_read_at_once_still_comes(desk: Desk) -> None:
    body = "La giunta ha approvato il piano per la mobilit\u00e0 della citt\u00e0. " * 26_000
    value = orjson.dumps({"body": body, "url": "https://example.org/large"})
    assert len(value) > FETCH_BYTES
    desk.produce([(b"k", value, []), (b"k", article(1), [])])
    with desk.running("--set", "max_record_bytes=1000", *WORKER):
        until(lambda: desk.count("normalized") == 1, 60, "the record behind it")
    assert [len(record.value) for record in desk.records("dead-letters")] == [len(value)]


def test_markers_of_transactions_are_no_lag_and_no_rate(desk: Desk) -> None:
    desk.produce([(b"k", article(each), []) for each in range(3)])
    with desk.running("run"):
        desk.await_ready()
        until(lambda: desk.count("enriched") == 3, 90, "the events")
        until(lambda: all(desk.lag(stage.name) == 0 for stage in PIPELINE), 30, "no lag")
    assert desk.status()["tagging"]["per_minute"] == 3


def test_new_partitions_are_read_although_the_only_worker_was_killed_before(desk: Desk) -> None:
    with desk.running(*WORKER) as worker:
        desk.await_ready("normalization")
        worker.send_signal(signal.SIGKILL)
        worker.wait(timeout=10)
    asyncio.run(raise_partitions(desk, "raw", 9))
    desk.produce([(None, article(each), []) for each in range(60)])
    assert {record.partition for record in desk.records("raw")} > set(range(6))
    with desk.running(*WORKER):
        until(lambda: desk.count("normalized") == 60, 60, "all outputs")


async def raise_partitions(desk: Desk, topic: str, number: int) -> None:
    async with clients.admin(desk.settings) as client:
        await client.create_partitions({desk.topic(topic): NewPartitions(number)})


def test_a_worker_whose_place_is_taken_ends_and_says_so(desk: Desk) -> None:
    desk.environment["BABELWIRE_METRICS_PORT"] = "0"
    with desk.running(*WORKER) as first:
        log = desk.log_of(*WORKER)
        until(lambda: "partitions assigned" in log.read_text(), 60, "the first worker")
        with desk.running_program("second", desk.command(*WORKER)):
            assert first.wait(timeout=60) == EXIT_DELIVERY
            assert "--slot" in log.read_text().splitlines()[-1]
