"""The messages: strict, span-checked, and readable for ever."""

from pathlib import Path

import orjson
import pytest
from pydantic import ValidationError

from schemas import (
    DeadLetter,
    EnrichedEvent,
    MessageError,
    NormalizedArticle,
    PublishedAt,
    Quote,
    RawArticle,
    Span,
    TranslatedArticle,
    decode,
    encode,
)
from schemas.base import Message

EXAMPLES = Path(__file__).parent / "examples"
OF_TOPIC: dict[str, type[Message]] = {
    "raw": RawArticle,
    "normalized": NormalizedArticle,
    "translated": TranslatedArticle,
    "enriched": EnrichedEvent,
}


def stored(topic: str) -> list[Path]:
    return sorted(EXAMPLES.glob(f"*/{topic}.*"))


@pytest.mark.parametrize("topic", OF_TOPIC)
def test_stored_examples_of_every_earlier_version_still_read(topic: str) -> None:
    examples = stored(topic)
    assert examples, f"no stored example of {topic}"
    for example in examples:
        message = decode(OF_TOPIC[topic], example.read_bytes())
        assert decode(OF_TOPIC[topic], encode(message)) == message


def test_a_stored_dead_letter_still_reads_from_its_headers() -> None:
    examples = stored("dead-letters")
    assert examples
    for example in examples:
        lines = example.read_text().splitlines()
        headers = [
            (name, value.encode()) for name, value in (line.split(": ", 1) for line in lines)
        ]
        letter = DeadLetter.from_headers(headers)
        assert letter.reason == "not_json"
        assert dict(letter.to_headers()) == dict(headers)


def test_a_reader_accepts_fields_it_does_not_know_and_a_writer_emits_none() -> None:
    article = decode(RawArticle, b'{"body": "ciao", "invented_later": 1}')
    assert b"invented_later" not in encode(article)


def test_a_missing_thing_is_null_or_empty_and_never_absent() -> None:
    assert encode(RawArticle(body="x")) == (
        b'{"body":"x","content_type":null,"source":null,"url":null,"title":null,"byline":null,'
        b'"language":null,"published_at":null,"fetched_at":null,"extra":{}}'
    )


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 3), (4, 2)])
def test_an_empty_reversed_or_negative_span_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValidationError, match="empty, reversed or negative"):
        Span(start=start, end=end)


def example_event() -> EnrichedEvent:
    return decode(EnrichedEvent, stored("enriched")[-1].read_bytes())


def test_a_mention_that_does_not_quote_its_text_is_refused() -> None:
    data = example_event().model_dump(by_alias=True)
    data["entities"][0]["mentions"][0]["source"]["text"] += "x"
    with pytest.raises(ValidationError, match="is not the quoted text"):
        EnrichedEvent.model_validate(data)


def test_a_mention_that_does_not_quote_the_english_is_refused() -> None:
    data = example_event().model_dump(by_alias=True)
    mention = next(
        each for entity in data["entities"] for each in entity["mentions"] if each["target"]
    )
    mention["target"] = Quote(start=0, end=1, text="\0").model_dump()
    with pytest.raises(ValidationError, match=r"translation\.\w+\[0:1\]"):
        EnrichedEvent.model_validate(data)


@pytest.mark.parametrize("field", ["paragraphs", "sentences"])
def test_a_span_beyond_the_text_is_refused(field: str) -> None:
    data = example_event().model_dump(by_alias=True)
    data[field] = [{"start": 0, "end": 1_000_000}]
    with pytest.raises(ValidationError, match="ends after text"):
        EnrichedEvent.model_validate(data)


def test_about_may_name_only_entities_of_the_event() -> None:
    data = example_event().model_dump(by_alias=True)
    data["about"]["place"] = "loc:atlantis"
    with pytest.raises(ValidationError, match="loc:atlantis"):
        EnrichedEvent.model_validate(data)


def test_types_are_not_coerced() -> None:
    data = example_event().model_dump(by_alias=True)
    data["language"]["confidence"] = "0.9"
    with pytest.raises(MessageError, match="confidence"):
        decode(EnrichedEvent, orjson.dumps(data))


def test_a_fault_is_named_without_quoting_the_article() -> None:
    with pytest.raises(MessageError) as fault:
        decode(RawArticle, b'{"body": ["un segreto"]}')
    assert "body" in fault.value.error
    assert "segreto" not in fault.value.error


def test_the_python_name_of_from_does_not_leak_onto_the_wire() -> None:
    date = PublishedAt(value="2024-03", precision="month", origin="text")
    assert encode(date) == b'{"value":"2024-03","precision":"month","from":"text"}'
