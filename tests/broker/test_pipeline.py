"""The whole pipeline on a real broker: good articles come out enriched, bad ones with a reason."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import orjson
import pytest

from ops.demo import SAMPLES
from schemas import EnrichedEvent, decode
from tests.broker.harness import Desk, until

ITALIAN = (
    "Il ministro ha visitato ieri il porto di Genova con i dirigenti di Fincantieri. "
    "La visita è durata due ore e si è conclusa con una conferenza stampa."
)


def raw(body: str, **fields: object) -> bytes:
    return orjson.dumps({"body": body, **fields})


def deep(depth: int) -> bytes:
    return b'{"body": ' + b"[" * depth + b"]" * depth + b"}"


EVENT = "event"
BAD_INPUTS: dict[str, tuple[bytes | None, set[str]]] = {
    "not JSON": (b"Il ministro ha visitato il porto.", {"not_json"}),
    "cut off": (b'{"body": "Il ministro', {"not_json"}),
    "wrong shape": (b'{"text": "Il ministro"}', {"wrong_shape"}),
    "a list": (b'["Il ministro"]', {"wrong_shape"}),
    "empty body": (raw(""), {"empty_body"}),
    "blank body": (raw(" \n\t\u200b "), {"empty_body", "no_article"}),
    "5 MB body": (raw("parola " * 750_000), {"too_large"}),
    "invalid UTF-8": (b'{"body": "citt\xe0 nuova"}', {"not_utf8"}),
    "null value": (None, {"null_value"}),
    "deep JSON": (deep(50_000), {"not_json"}),
    "deep HTML": (
        raw("<div>" * 50_000 + ITALIAN + "</div>" * 50_000, content_type="text/html"),
        {EVENT, "hostile_markup", "no_article"},
    ),
    "HTML bomb": (
        raw(f"<p>{ITALIAN}</p>" + "<b><i>" * 120_000, content_type="text/html"),
        {EVENT, "hostile_markup", "no_article"},
    ),
    "one 200,000-character line": (raw("a1b2" * 50_000), {EVENT, "timed_out"}),
    "control characters": (raw("\x00\x07" + ITALIAN.replace(" ", "\x1b \x00")), {EVENT}),
    "only control characters": (raw("\x00\x01\x02\x03"), {"empty_body", "no_article"}),
    "unknown language": (raw("Helsingin kaupunki rakentaa metroon neljä uutta asemaa."), {EVENT}),
    "mixed languages": (
        raw(ITALIAN + "\n\nThe minister went home. « Nous reviendrons demain », dit-il."),
        {EVENT},
    ),
    "surrogates": (b'{"body": "ciao \\ud800"}', {"not_json"}),
    "a number too large for JSON readers": (
        b'{"body": "x", "title": 1e999}',
        {"not_json", "wrong_shape"},
    ),
}


@pytest.fixture(scope="module")
def outcomes(pipeline: Desk) -> Callable[[str], str]:
    """Pushes all bad inputs and one good article; gives each one's reason, or `event`."""
    before = pipeline.count("enriched")
    already = before + pipeline.count("dead-letters")
    places = pipeline.produce(
        [(b"bad", value, [("case", name.encode())]) for name, (value, _) in BAD_INPUTS.items()]
    )
    pipeline.await_outcomes(len(BAD_INPUTS) + already, seconds=200)
    dead = pipeline.dead_letters()
    reasons = {
        name: dead[place][0].reason if place in dead else EVENT
        for name, place in zip(BAD_INPUTS, places, strict=True)
    }
    events = sum(reason == EVENT for reason in reasons.values())
    assert pipeline.count("enriched") - before == events, "an input came out twice or not at all"
    return lambda name: reasons[name]


@pytest.mark.parametrize("name", BAD_INPUTS)
def test_a_bad_input_becomes_an_event_or_a_dead_letter_that_names_the_fault(
    name: str, outcomes: Callable[[str], str]
) -> None:
    assert outcomes(name) in BAD_INPUTS[name][1]


def test_a_dead_letter_keeps_the_record_untouched(
    pipeline: Desk, outcomes: Callable[[str], str]
) -> None:
    records = {
        dict(record.headers)["case"].decode(): (letter, record)
        for letter, record in pipeline.dead_letters().values()
        if "case" in dict(record.headers)
    }
    assert set(records) == {name for name in BAD_INPUTS if outcomes(name) != EVENT}
    for name, (letter, record) in records.items():
        assert (record.key, record.value) == (b"bad", BAD_INPUTS[name][0])
        assert letter.error
        assert letter.source_topic == pipeline.topic("raw")


def test_the_pipeline_goes_on_after_every_bad_input(
    pipeline: Desk, outcomes: Callable[[str], str]
) -> None:
    pipeline.produce([(None, raw(ITALIAN, url="https://example.org/after", source="after"), [])])
    until(lambda: any(e["source"] == "after" for e in pipeline.events()), 60, "the next article")
    [event] = [event for event in pipeline.events() if event["source"] == "after"]
    assert event["language"]["code"] == "it"
    assert "Genoa" in event["translation"]["text"]
    assert "org:fincantieri" in {entity["id"] for entity in event["entities"]}


def test_what_push_says_is_what_comes_out_and_what_enrich_gives(pipeline: Desk) -> None:
    arguments = ["--source", "samples", str(SAMPLES)]
    receipts = [
        orjson.loads(line)
        for line in pipeline.run("push", "--json", *arguments).stdout.splitlines()
    ]
    direct = pipeline.run("enrich", *arguments).stdout.splitlines()
    wanted = {receipt["article_id"] for receipt in receipts}
    assert len(wanted) == len(receipts) == len(direct) == 10

    def arrived() -> dict[str, bytes]:
        return {
            record.key.decode(): record.value
            for record in pipeline.records("enriched")
            if record.key.decode() in wanted
        }

    until(lambda: set(arrived()) == wanted, 120, "all samples enriched")
    assert sorted(arrived().values()) == sorted(direct)
    for value in arrived().values():
        decode(EnrichedEvent, value)


@pytest.mark.parametrize("codec", ["gzip", "lz4", "snappy", "zstd"])
def test_articles_may_come_in_any_compression_that_kafka_has(pipeline: Desk, codec: str) -> None:
    servers = pipeline.settings.bootstrap_servers
    body = raw(
        2 * ITALIAN.replace("ieri", "domani"), source=codec, url=f"https://example.org/{codec}"
    )
    subprocess.run(
        ["kcat", "-b", servers, "-t", pipeline.topic("raw"), "-P", "-z", codec],
        input=body,
        check=True,
        timeout=30,
    )
    until(lambda: any(e["source"] == codec for e in pipeline.events()), 60, "the event")


def test_the_raw_files_may_come_from_kcat_and_the_events_be_read_with_it(pipeline: Desk) -> None:
    body = raw(ITALIAN.replace("ieri", "oggi"), source="kcat", url="https://example.org/kcat")
    servers = pipeline.settings.bootstrap_servers
    subprocess.run(
        ["kcat", "-b", servers, "-t", pipeline.topic("raw"), "-P"],
        input=body,
        check=True,
        timeout=30,
    )
    until(lambda: any(e["source"] == "kcat" for e in pipeline.events()), 60, "the event")
    consumed = subprocess.run(
        [
            "kcat",
            "-b",
            servers,
            "-t",
            pipeline.topic("enriched"),
            "-C",
            "-e",
            "-q",
            "-f",
            "%h\t%s\n",
        ],
        capture_output=True,
        check=True,
        timeout=30,
    ).stdout.decode()
    [(headers, value)] = [
        line.split("\t", 1) for line in consumed.splitlines() if '"source":"kcat"' in line
    ]
    event = orjson.loads(value)
    assert event["translation"]["language"] == "en"
    assert f"ce_id={event['event_id']}" in headers
    assert "ce_source=/babelwire/tagging" in headers


def test_tail_shows_cards_and_json_lines_and_filters_by_language(pipeline: Desk) -> None:
    pipeline.produce([(None, raw(ITALIAN, source="tail"), [])])
    until(lambda: any(e["source"] == "tail" for e in pipeline.events()), 60, "the event")
    card = pipeline.run("tail", "--once", "--since", "1h", "--language", "it").stdout.decode()
    assert "Fincantieri" in card
    assert "apertium" in card.lower()
    lines = pipeline.run("tail", "--once", "--since", "1h", "--json").stdout.splitlines()
    assert len(lines) == len(pipeline.events())
    none = pipeline.run("tail", "--once", "--since", "1h", "--language", "xx").stdout
    assert none == b""


def test_status_shows_no_lag_when_all_is_done_and_counts_dead_letters(
    pipeline: Desk, outcomes: Callable[[str], str]
) -> None:
    def status() -> dict[str, dict[str, object]]:
        found: dict[str, dict[str, object]] = orjson.loads(pipeline.run("status", "--json").stdout)
        return found

    until(lambda: all(s["lag_records"] == 0 for s in status().values()), 30, "no lag")
    dead = status()["normalization"]["dead_letters"]
    assert isinstance(dead, dict)
    assert dead["null_value"] >= 1
    assert "normalization" in pipeline.run("status").stdout.decode()


def test_push_refuses_what_is_too_large_and_names_it(pipeline: Desk, tmp_path: Path) -> None:
    large = tmp_path / "large.txt"
    large.write_text("parola " * 500_000)
    done = pipeline.run("push", str(large), check=False)
    assert done.returncode == 1
    words = " ".join(done.stderr.decode().split())
    assert "large.txt" in words
    assert "max_record_bytes" in words


def test_wrong_usage_exits_with_two(pipeline: Desk) -> None:
    for arguments in (
        ["worker", "tranlation"],
        ["tail", "--topic", "nope"],
        ["tail", "--since", "soon"],
        ["--set", "nope=1", "status"],
        ["translate", "--lines"],
    ):
        assert pipeline.run(*arguments, check=False).returncode == 2, arguments
