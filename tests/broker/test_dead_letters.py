"""Dead letters can be listed, looked at and replayed, on a real broker."""

from functools import partial

import orjson

from streams.dead_letters import MOST_REPLAYS, REPLAY_COUNT
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


def test_one_dead_letter_is_shown_with_its_record(desk: Desk) -> None:
    desk.produce([(b"k", b"not json", [])])
    with desk.running(*WORKER):
        until(lambda: desk.count("dead-letters") == 1, 60, "the dead letter")
    [record] = desk.records("dead-letters")
    shown = desk.run("dead-letters", "show", f"{record.partition}@{record.offset}").stdout
    assert b"not_json" in shown
    assert shown.endswith(b"not json\n")
    assert desk.run("dead-letters", "show", "9@9", check=False).returncode == 1


def test_filters_choose_by_stage_reason_and_source(desk: Desk) -> None:
    desk.produce(
        [(None, orjson.dumps({"body": " ", "source": name}), []) for name in ("one", "two")]
    )
    with desk.running(*WORKER):
        until(lambda: desk.count("dead-letters") == 2, 60, "the dead letters")
    for arguments, number in (
        (["--source", "one"], 1),
        (["--reason", "empty_body"], 2),
        (["--stage", "tagging"], 0),
    ):
        done = desk.run("dead-letters", "replay", "--dry-run", *arguments)
        assert f"would replay {number} records".encode() in done.stderr
    assert desk.run("dead-letters", "list", "--reason", "nope", check=False).returncode == 2
