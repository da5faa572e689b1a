"""Conditions of a backfill, and how a stage's input is rebuilt from an event."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.pipeline import PIPELINE
from schemas import decode, encode
from streams.backfill import Place, WhereError, made_by, parse, rebuild
from streams.settings import Settings

NORMALIZATION, TRANSLATION, TAGGING = PIPELINE
EVENT: dict[str, Any] = {
    "source": "Le Matin",
    "language": {"code": "fr", "confidence": 1.0},
    "versions": {"normalization": "1.0.0", "translation": "1.10.0"},
}


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("version<1.2.0", False),
        ("version<1.11", True),
        ("version >= 1.10.0", True),
        ("version==1.10", True),
        ("version!=1.10.0", False),
        ("language=fr", True),
        ("language!=fr", False),
        ("source=Le Matin", True),
        ("source='Le Matin' and language=fr", True),
        ("source=Le Matin and language=it", False),
        ("since=1h", True),
        ("since=5m", False),
        ("version<2 and language=fr and since=1970-01-01", True),
        ("  version<2   and   language=fr ", True),
    ],
)
def test_a_condition_compares_versions_languages_sources_and_ages(
    text: str, accepted: bool
) -> None:
    where = parse(text, now=10_000)
    assert where.accepts("translation", EVENT, written_at=9_000) is accepted


def test_a_quoted_source_may_contain_and() -> None:
    where = parse('source="Sun and Moon" and language=fr', now=0)
    assert where.accepts("tagging", {**EVENT, "source": "Sun and Moon"}, 0)
    assert not where.accepts("tagging", EVENT, 0)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "expected a comparison"),
        ("versoin<2", "cannot read 'versoin<2'"),
        ("version<2 language=it", "version 2 language=it: expected a version"),
        ("version<2 and", "expected"),
        ("version<2 and and language=it", "cannot read"),
        ("version<two", "expected a version such as 1.2.0"),
        ("language<it", "compared with = == != only"),
        ("since>2d", "compared with = only"),
        ("since=soon", "such as 15m"),
    ],
)
def test_a_condition_that_cannot_be_read_is_named(text: str, words: str) -> None:
    with pytest.raises(WhereError, match=words):
        parse(text, now=0)


@given(st.text(max_size=60))
def test_no_text_makes_the_reader_of_conditions_crash(text: str) -> None:
    try:
        assert parse(text, now=0).clauses
    except WhereError as fault:
        assert str(fault)


@pytest.mark.parametrize("versions", [None, {}, {"translation": "?"}, {"translation": 1}, []])
def test_an_event_that_does_not_say_its_version_is_older_than_all(versions: object) -> None:
    event = {**EVENT, "versions": versions}
    assert parse("version<0.0.1", now=0).accepts("translation", event, 0)
    assert str(made_by("translation", event)) == "0"
    assert not parse("language=fr", now=0).accepts("translation", {"language": "fr"}, 0)


def test_the_input_of_each_stage_is_rebuilt_byte_for_byte() -> None:
    raw = {"body": "The mayor of Porto met Netflix on Monday. " * 5, "source": "x"}
    assert NORMALIZATION.reads.schema is not None
    article = decode(NORMALIZATION.reads.schema, json.dumps(raw).encode())
    made = []
    for stage in PIPELINE:
        article = stage.load(Settings())(article)
        made.append(encode(article))
    event = json.loads(made[-1])
    assert rebuild(TRANSLATION, PIPELINE[:1], event) == made[0]
    assert rebuild(TAGGING, PIPELINE[:2], event) == made[1]


def test_an_event_that_is_none_is_refused_by_name() -> None:
    identified = {**EVENT, "article_id": "a", "content_hash": "b"}
    for event, words in (
        (EVENT, "no article_id"),
        ({**identified, "versions": {}}, "which version of normalization"),
        (identified, "Field required"),
    ):
        with pytest.raises(ValueError, match=words):
            rebuild(TRANSLATION, PIPELINE[:1], event)


def test_the_later_of_two_records_is_told_by_offset_or_else_by_time() -> None:
    def place(partition: int, offset: int, written_at: float) -> Place:
        return Place(partition, offset, written_at, True, "1", "it")

    assert place(0, 1, 0.0).is_newer(None)
    assert place(0, 2, 1.0).is_newer(place(0, 1, 5.0))
    assert place(1, 1, 5.0).is_newer(place(0, 2, 1.0))
    assert not place(1, 9, 1.0).is_newer(place(0, 2, 5.0))
