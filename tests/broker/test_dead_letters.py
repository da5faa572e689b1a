"""Dead letters can be listed, looked at and replayed, on a real broker."""

import asyncio
import time
from functools import partial
from typing import Any

import orjson

from schemas import DeadLetter, Reason
from streams import clients, dead_letters
from streams.dead_letters import MOST_REPLAYS, REPLAY_COUNT, REPLAY_OF, Filter
from tests.broker.harness import Desk, until

BODY = "La commissione ha approvato il bilancio della città dopo una lunga seduta. " * 20
WORKER = ("worker", "normalization")
STRICT = ("--set", "max_record_bytes=1000", *WORKER)


def refuse(desk: Desk, number: int) -> None:
    """Has a strict worker refuse so many long articles."""
    desk.produce(
        [
            (None, orjson.dumps({"body": BODY, "url": f"https://example.org/{each}"}), [])
            for each in range(number)
        ]
    )
    with desk.running(*STRICT):
        until(lambda: desk.count("dead-letters") == number, 60, "the dead letters")


def as_many_as(desk: Desk, number: int) -> bool:
    return desk.count("dead-letters") >= number


def most_replays(desk: Desk) -> int:
    letters = desk.records("dead-letters")
    return max(int(dict(record.headers).get(REPLAY_COUNT, b"0")) for record in letters)


def test_a_replayed_record_is_processed_once_the_cause_is_gone(desk: Desk) -> None:
    refuse(desk, 3)
    listed = desk.run("dead-letters", "list").stdout.decode()
    assert "too_large" in listed
    dry = desk.run("dead-letters", "replay", "--reason", "too_large", "--dry-run")
    assert b"would replay 3" in dry.stderr
    assert desk.count("raw") == 3
    for _ in range(2):
        done = desk.run("dead-letters", "replay", "--reason", "too_large")
        assert b"replayed 3" in done.stderr
    with desk.running(*WORKER):
        until(lambda: desk.count("normalized") == 6, 60, "the events")
    ids = [orjson.loads(record.value)["event_id"] for record in desk.records("normalized")]
    assert len(ids) == 6
    assert len(set(ids)) == 3


def test_a_record_that_keeps_failing_is_not_replayed_for_ever(desk: Desk) -> None:
    refuse(desk, 1)
    for count in range(1, MOST_REPLAYS + 1):
        assert most_replays(desk) == count - 1
        sent = desk.run("dead-letters", "replay", "--since", "1h").stderr.decode()
        again = int(sent.split("replayed ")[1].split()[0])
        wanted = desk.count("dead-letters") + again
        with desk.running(*STRICT):
            until(partial(as_many_as, desk, wanted), 60, "failing again")
    assert most_replays(desk) == MOST_REPLAYS
    done = desk.run("dead-letters", "replay")
    assert f"replayed {MOST_REPLAYS} times already".encode() in done.stderr


def lay(desk: Desk, letters: list[dict[str, Any]]) -> None:
    """Writes dead letters as a worker would have; `value`, `headers` and `age` in seconds besides
    the fields of a DeadLetter."""

    async def write() -> None:
        async with clients.producer(desk.settings) as producer:
            for each in letters:
                value, age = each.pop("value", b"{}"), each.pop("age", 0.0)
                headers = each.pop("headers", [])
                reason: Reason = "failed"
                letter = DeadLetter(
                    **{
                        "stage": "translation",
                        "stage_version": "1.0.0",
                        "reason": reason,
                        "error": "it broke",
                        "attempts": 1,
                        "source_topic": desk.topic("normalized"),
                        "source_partition": 0,
                        "source_offset": 7,
                        "failed_at": "2026-01-01T00:00:00.000+00:00",
                        **each,
                    }
                )
                await producer.send_and_wait(
                    desk.topic("dead-letters"),
                    value,
                    key=b"",
                    headers=[*headers, *letter.to_headers()],
                    timestamp_ms=int((time.time() - age) * 1000),
                )

    asyncio.run(write())


def listed(desk: Desk, *arguments: str) -> list[dict[str, Any]]:
    done = desk.run("dead-letters", "list", "--json", *arguments)
    return [orjson.loads(line) for line in done.stdout.splitlines()]


def test_one_dead_letter_is_shown_with_its_place_its_age_and_its_record(desk: Desk) -> None:
    desk.produce([(b"k", b"not json", [])])
    with desk.running(*WORKER):
        until(lambda: desk.count("dead-letters") == 1, 60, "the dead letter")
    [record] = desk.records("dead-letters")
    place = f"{record.partition}@{record.offset}"
    shown = desk.run("dead-letters", "show", place).stdout
    told = dict(line.split(maxsplit=1) for line in shown.decode().splitlines()[:-1])
    assert (told["place"], told["reason"]) == (place, "not_json")
    assert told["source_topic"] == desk.topic("raw")
    assert told["age"].endswith(" s")
    assert shown.endswith(b"not json\n")
    assert desk.run("dead-letters", "show", "9@9", check=False).returncode == 1
    assert desk.run("dead-letters", "show", f"{place}9", check=False).returncode == 1
    assert desk.run("dead-letters", "show", "nowhere", check=False).returncode == 2


def test_letters_are_chosen_by_stage_reason_source_language_and_time(desk: Desk) -> None:
    lay(
        desk,
        [
            {"value": orjson.dumps({"source": "one", "language": {"code": "it"}}), "age": 7_200},
            {"value": orjson.dumps({"source": "two", "language": "fr"}), "stage": "normalization"},
            {"value": b"not json", "stage": "normalization", "reason": "not_json"},
            {"value": None, "age": 1_800},
        ],
    )
    now = time.time()

    def number(wanted: Filter) -> int:
        groups = asyncio.run(dead_letters.summary(desk.settings, wanted, samples=0))
        return sum(group.count for group in groups)

    assert number(Filter()) == 4
    assert number(Filter(source="one")) == 1
    assert number(Filter(language="it")) == number(Filter(language="fr")) == 1
    assert number(Filter(stage="normalization")) == 2
    assert number(Filter(stage="translation", reason="failed")) == 2
    assert number(Filter(since=now - 3_600)) == 3
    assert number(Filter(until=now - 3_600)) == 1
    assert number(Filter(since=now - 9_000, until=now - 600)) == 2
    flags = ["--stage", "translation", "--reason", "failed", "--source", "one"]
    [group] = listed(desk, *flags, "--language", "it", "--since", "9h", "--until", "1h")
    assert group["count"] == 1
    for wrong in (["--reason", "nope"], ["--stage", "nope"], ["--since", "soon"]):
        assert desk.run("dead-letters", "list", *wrong, check=False).returncode == 2


def test_the_list_counts_each_kind_and_shows_the_newest_of_it(desk: Desk) -> None:
    lay(desk, [{"error": f"number {age}", "age": age} for age in (300, 100, 200, 400)])
    [group] = listed(desk, "--samples", "2")
    assert (group["stage"], group["reason"], group["count"]) == ("translation", "failed", 4)
    assert [sample["error"] for sample in group["samples"]] == ["number 100", "number 200"]
    assert 299 < group["newest"] - group["oldest"] < 301
    table = desk.run("dead-letters", "list", "--samples", "2").stdout.decode()
    assert table.count("number") == 2
    assert [each["samples"] for each in listed(desk, "--samples", "0")] == [[]]


def test_of_a_record_that_failed_again_only_the_newest_letter_is_replayed(desk: Desk) -> None:
    lay(desk, [{"error": "first"}, {"error": "of another record"}])
    [first] = [
        f"{record.partition}@{record.offset}"
        for record in desk.records("dead-letters")
        if DeadLetter.from_headers(record.headers).error == "first"
    ]
    lay(desk, [{"error": "again", "headers": [(REPLAY_COUNT, b"1"), (REPLAY_OF, first.encode())]}])
    done = desk.run("dead-letters", "replay")
    assert b"1 failed again" in done.stderr
    assert b"replayed 2 records" in done.stderr
    counts = [dict(record.headers)[REPLAY_COUNT] for record in desk.records("normalized")]
    assert sorted(counts) == [b"1", b"2"]


def test_a_letter_whose_topic_is_gone_is_named_and_the_others_go(desk: Desk) -> None:
    lay(desk, [{"source_topic": "elsewhere.raw"}, {"value": b"x"}])
    done = desk.run("dead-letters", "replay", check=False)
    assert done.returncode == 1
    assert "elsewhere.raw does not exist" in " ".join(done.stderr.decode().split())
    assert b"replayed 1 records" in done.stderr
    assert desk.count("normalized") == 1


def test_a_replay_keeps_to_its_rate(desk: Desk) -> None:
    lay(desk, [{} for _ in range(11)])
    desk.run("dead-letters", "replay", "--stage", "translation", "--rate", "5")
    times = [record.timestamp for record in desk.records("normalized")]
    assert len(times) == 11
    assert max(times) - min(times) >= 2_000
