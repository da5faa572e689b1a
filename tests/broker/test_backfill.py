"""Articles made by an older version of a stage go through the pipeline again, on a real broker."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import orjson
import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete

from agents.pipeline import PIPELINE
from streams import clients
from streams.backfill import Backfill, Progress, Scan, parse
from streams.embedded import Broker
from streams.headers import BACKFILL
from tests.broker.harness import Desk, open_desk, until

ENGLISH = "The council of Porto approved the new tram line on Monday evening after a long debate. "
FINNISH = "Kaupunginvaltuusto hyväksyi maanantaina uuden raitiotien rakentamisen keskustaan. "
NUMBER = 30


def article(number: int, text: str = ENGLISH) -> dict[str, Any]:
    return {
        "body": f"{text * 4} This is article number {number} of the day.",
        "url": f"https://example.org/{number}",
        "source": "desk" if number % 2 else "other desk",
    }


def push(desk: Desk, *articles: dict[str, Any]) -> None:
    desk.produce([(each["url"].encode(), orjson.dumps(each), []) for each in articles])


@contextmanager
def bumped(desk: Desk, stage: str, version: str, seconds: float = 0.0) -> Iterator[None]:
    """A worker of the stage under this version."""
    command = [sys.executable, "-m", "tests.broker.bumped", stage, version, str(seconds)]
    with (desk.folder / f"{stage}-{version}.log").open("ab") as log:
        process = subprocess.Popen(command, env=desk.environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=60)


def newest(desk: Desk) -> dict[str, dict[str, Any]]:
    """The newest event of each article, by its URL."""
    records = sorted(desk.records("enriched"), key=lambda record: (record.partition, record.offset))
    return {event["url"]: event for event in (orjson.loads(record.value) for record in records)}


def versions(desk: Desk, stage: str) -> set[str]:
    return {event["versions"][stage] for event in newest(desk).values()}


@pytest.fixture(scope="module")
def stocked(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """Articles that translation 1.0.0 has made, and the two other stages still running."""
    desk = open_desk(broker.bootstrap, tmp_path_factory.mktemp("backfill"))
    with desk.running("worker", "normalization"), desk.running("worker", "tagging"):
        with bumped(desk, "translation", "1.0.0"):
            push(desk, *(article(number) for number in range(NUMBER - 2)))
            push(desk, *(article(number, FINNISH) for number in range(NUMBER - 2, NUMBER)))
            until(lambda: desk.count("enriched") >= NUMBER, 120, "the events")
            until(lambda: len(newest(desk)) == NUMBER, 30, "the events")
        yield desk


def test_a_new_version_of_a_stage_reaches_old_articles_while_live_ones_go_first(
    stocked: Desk,
) -> None:
    desk = stocked
    before = {record.value for record in desk.records("normalized")}
    where = "version<1.1.0 and source='other desk' and language=fi"
    dry = desk.run("backfill", "--stage", "translation", "--where", where, "--dry-run")
    assert b"1 in fi, made by translation 1.0.0" in dry.stderr
    assert b"would send 1 articles" in dry.stderr
    assert desk.count("normalized") == len(before)

    with bumped(desk, "translation", "1.1.0", seconds=0.25):
        command = ("backfill", "--stage", "translation", "--where", "version<1.1.0")
        with desk.running(*command, "--max-lag", "4", "--rate", "1000") as backfill:
            until(lambda: len(made_again(desk)) >= 5, 90, "the first articles again")
            sent_so_far = len(made_again(desk))
            live = [article(NUMBER + each) for each in range(3)]
            rewritten = article(NUMBER - 2) | {"body": ENGLISH * 3 + "Now with a new ending."}
            push(desk, *live, rewritten)
            until(lambda: live[-1]["url"] in newest(desk), 60, "the live articles")
            overtaken = len(made_again(desk)) - sent_so_far
            assert backfill.poll() is None, "the backfill was over before the live articles came"
            assert backfill.wait(timeout=120) == 0
        until(lambda: versions(desk, "translation") == {"1.1.0"}, 60, "all made again")
        # Without a limit on its lag, all that was left would have stood before the live ones.
        assert overtaken <= 4 + len(live) + 8
        assert overtaken < NUMBER - sent_so_far

        assert newest(desk)[rewritten["url"]]["text"].endswith("Now with a new ending.")
        again = desk.run(*command)
        assert b"sent 0 articles" in again.stderr

    rebuilt = [record.value for record in desk.records("normalized") if marked(record)]
    assert set(rebuilt) <= before
    assert len(rebuilt) == len(set(rebuilt)) >= NUMBER - 1


def marked(record: Any) -> bool:
    return BACKFILL in dict(record.headers)


def made_again(desk: Desk) -> list[Any]:
    return [record for record in desk.records("enriched") if marked(record)]


def test_normalization_is_done_again_from_the_raw_records_that_are_left(stocked: Desk) -> None:
    desk = stocked
    raw = desk.records("raw")
    lost = {record.value for record in raw if record.partition == 0}
    assert lost
    forget(desk, partition=0)
    known = len(newest(desk))
    gone = len({orjson.loads(value)["url"] for value in lost})
    command = (
        "backfill",
        "--stage",
        "normalization",
        "--where",
        f"version<={PIPELINE[0].version}",
        "--limit",
    )
    done = desk.run(*command, str(known), "--dry-run")
    assert f"{gone} are gone from {desk.topic('raw')}".encode() in done.stderr
    assert f"would send {known - gone} articles".encode() in done.stderr
    done = desk.run(*command, "5", "--rate", "100")
    resent = [record for record in desk.records("raw") if marked(record)]
    assert f"sent {len(resent)} articles".encode() in done.stderr
    assert 0 < len(resent) <= 5
    assert {(record.key, record.value) for record in resent} <= {
        (record.key, record.value) for record in raw
    }


def test_what_has_something_newer_is_left_alone_and_a_stage_that_is_behind_is_waited_for(
    stocked: Desk,
) -> None:
    """Without a translation worker, so that all that is sent stays on its way."""
    desk = stocked
    finnish = Backfill(desk.settings, PIPELINE, PIPELINE[1], parse("language=fi", 0.0))
    english = Backfill(desk.settings, PIPELINE, PIPELINE[1], parse("language=en", 0.0))

    async def send(backfill: Backfill, scan: Scan, most_lag: int) -> Progress:
        steps: list[Progress] = []
        located = await backfill.locate(scan)
        try:
            sending = backfill.send(scan, located, 1_000, most_lag, steps.append)
            return await asyncio.wait_for(sending, 10)
        except TimeoutError:
            return steps[-1]

    scan = asyncio.run(finnish.scan())
    [identity] = scan.places
    number = desk.count("normalized")
    push(desk, article(NUMBER - 1, FINNISH + "Uutta tekstiä. "))
    until(lambda: desk.count("normalized") > number, 30, "the newer version")
    assert newest(desk)[article(NUMBER - 1)["url"]]["article_id"] == identity
    done = asyncio.run(send(finnish, scan, most_lag=1_000))
    assert (done.sent, done.newer) == (0, 1)

    scan = asyncio.run(english.scan())
    held = asyncio.run(send(english, scan, most_lag=20))
    assert 0 < held.sent <= 20
    assert held.held_by is not None
    assert held.held_by[0] == "translation"
    # What was sent is still on its way, so the next one leaves it alone.
    scan = asyncio.run(english.scan())
    done = asyncio.run(send(english, scan, most_lag=1_000))
    assert done.newer >= held.sent
    assert done.sent == len(scan.places) - done.newer


def forget(desk: Desk, partition: int) -> None:
    """Has the broker delete what a partition of the raw topic holds, as retention does."""

    async def delete() -> None:
        tp = TopicPartition(desk.topic("raw"), partition)
        async with clients.admin(desk.settings) as client, clients.reader(desk.settings) as reader:
            end = (await reader.end_offsets([tp]))[tp]
            await client.delete_records({tp: RecordsToDelete(before_offset=end)})

    asyncio.run(delete())
    until(lambda: not in_partition(desk, partition), 30, "the deletion")


def in_partition(desk: Desk, partition: int) -> list[Any]:
    return [record for record in desk.records("raw") if record.partition == partition]


def test_a_condition_that_cannot_be_read_says_what_was_expected(desk: Desk) -> None:
    done = desk.run("backfill", "--stage", "tagging", "--where", "versoin<2", check=False)
    assert done.returncode == 2
    assert "version<1.2.0 and language=it" in " ".join(done.stderr.decode().split())
    assert desk.run("backfill", "--stage", "nope", check=False).returncode == 2
