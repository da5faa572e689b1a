"""What becomes of one record in a language process: every failure is a value with a reason."""

from collections.abc import Callable
from dataclasses import replace

import pytest

from schemas import (
    Language,
    NormalizedArticle,
    Provenance,
    RawArticle,
    Unprocessable,
    decode,
    encode,
)
from streams.metrics import UNMEASURED, Measure, Sample
from streams.settings import Settings
from streams.stage import Failed, Produced, Stage, attempt
from streams.topics import NORMALIZED, RAW, TRANSLATED

Work = Callable[[RawArticle], NormalizedArticle]


def article(text: str) -> NormalizedArticle:
    return NormalizedArticle(
        article_id="a-1",
        event_id="e-1",
        source=None,
        url=None,
        title=None,
        byline=None,
        published_at=None,
        language=Language(code="it", confidence=1.0),
        text=text,
        paragraphs=[],
        sentences=[],
        removed=[],
        provenance=Provenance(),
        content_hash="",
        extra={},
        versions={},
    )


def echo(raw: RawArticle) -> NormalizedArticle:
    return article(raw.body)


def load(_: Settings) -> Work:
    return echo


STAGE = Stage("normalization", "1.0.0", RAW, NORMALIZED, load)


def test_a_record_becomes_the_encoded_result_keyed_by_article_id() -> None:
    outcome = attempt(STAGE, echo, b'{"body": "ciao"}', 1000)
    assert isinstance(outcome, Produced)
    assert (outcome.key, outcome.event_id, outcome.language) == (b"a-1", "e-1", "it")
    assert decode(NormalizedArticle, outcome.value).text == "ciao"


@pytest.mark.parametrize(
    ("value", "reason", "words"),
    [
        (None, "null_value", "no value"),
        (b"\xff\xfe", "not_utf8", "byte 0"),
        (b"ciao", "not_json", "line 1"),
        (b'{"body":' + b"[" * 990, "not_json", "line 1"),
        (b"[]", "wrong_shape", "list"),
        (b"{}", "wrong_shape", "body"),
        (b'{"body": 7}', "wrong_shape", "body"),
        (b'{"body": "' + b"x" * 2000 + b'"}', "too_large", "2012 bytes, the limit is 1000"),
    ],
)
def test_a_bad_record_fails_with_a_reason_that_names_the_fault(
    value: bytes | None, reason: str, words: str
) -> None:
    outcome = attempt(STAGE, echo, value, 1000)
    assert isinstance(outcome, Failed)
    assert outcome.reason == reason
    assert words in outcome.error


def test_a_verdict_of_the_work_becomes_its_reason() -> None:
    def refuse(_: RawArticle) -> NormalizedArticle:
        raise Unprocessable("empty_body", "the body is blank")

    assert attempt(STAGE, refuse, b'{"body": " "}', 1000) == Failed(
        "empty_body", "the body is blank"
    )


def test_a_bug_in_the_work_fails_that_record_and_says_where_without_its_text() -> None:
    def trip(raw: RawArticle) -> NormalizedArticle:
        raise KeyError(raw.body)

    outcome = attempt(STAGE, trip, b'{"body": "segreto"}', 1000)
    assert isinstance(outcome, Failed)
    assert outcome.reason == "failed"
    assert outcome.where.startswith("KeyError at test_stage.py:")
    assert "segreto" not in outcome.where


def test_records_between_stages_are_not_held_to_the_limit_for_incoming_ones() -> None:
    def longer(_: NormalizedArticle) -> NormalizedArticle:
        return article("ciao")

    inner = Stage("translation", "1.0.0", NORMALIZED, TRANSLATED, load)
    outcome = attempt(inner, longer, encode(article("x" * 5000)), 1000)
    assert isinstance(outcome, Produced)


def test_a_result_too_large_for_any_record_fails_instead_of_stopping_the_stage() -> None:
    def swell(_: RawArticle) -> NormalizedArticle:
        return article("x" * 17_000_000)

    outcome = attempt(STAGE, swell, b'{"body": "a"}', 1000)
    assert isinstance(outcome, Failed)
    assert outcome.reason == "too_large"


def test_what_the_stage_measures_travels_with_what_it_made() -> None:
    def measure(made: NormalizedArticle) -> list[Measure]:
        return [Sample(UNMEASURED, len(made.text))]

    def tally() -> list[Measure]:
        return [Sample(UNMEASURED, 7)]

    stage = replace(STAGE, measure=measure, tally=tally)
    outcome = attempt(stage, echo, b'{"body": "ciao"}', 1000)
    assert isinstance(outcome, Produced)
    assert outcome.measures == (Sample(UNMEASURED, 4), Sample(UNMEASURED, 7))


def test_an_article_that_cannot_be_measured_goes_on_and_is_counted() -> None:
    def trip(_: NormalizedArticle) -> list[Measure]:
        raise ZeroDivisionError

    outcome = attempt(replace(STAGE, measure=trip), echo, b'{"body": "ciao"}', 1000)
    assert isinstance(outcome, Produced)
    assert outcome.measures == (Sample(UNMEASURED, 1),)


@pytest.mark.parametrize(("share", "cores", "wanted"), [(0.0, 8, 1), (0.17, 2, 1), (0.82, 8, 7)])
def test_a_worker_has_as_many_processes_as_its_stages_share_of_the_cores(
    share: float, cores: int, wanted: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)))
    stage = replace(STAGE, share=share)
    assert stage.processes(Settings()) == wanted
    assert stage.processes(Settings(processes=3)) == 3
