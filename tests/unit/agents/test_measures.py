"""What the stages measure of the messages they make."""

from pathlib import Path

import orjson
import pytest

from agents.normalization import measures as normalization
from agents.tagging import measures as tagging
from agents.translation import measures as translation
from agents.translation.memory import COUNTS
from schemas import EnrichedEvent, decode
from streams.metrics import (
    COVERAGE,
    ENTITIES,
    NEAR_DUPLICATES,
    PUBLICATION_AGE_SECONDS,
    QUALITY,
    TRANSLATION_MEMORY,
    Sample,
    Sighting,
)

EXAMPLE = Path(__file__).parents[1] / "schemas/examples/1.0/enriched.json"


def event(**fields: object) -> EnrichedEvent:
    raw = orjson.loads(EXAMPLE.read_bytes())
    return decode(EnrichedEvent, orjson.dumps({**raw, **fields}))


def test_an_article_is_sighted_by_the_signature_of_its_text() -> None:
    made = event(near_duplicate="00ff00ff00ff00ff")
    assert normalization.measure(made) == [
        Sighting(NEAR_DUPLICATES, 0x00FF00FF00FF00FF, made.article_id)
    ]
    assert normalization.measure(event(near_duplicate=None)) == []


def test_hits_of_the_translation_memory_are_told_once() -> None:
    COUNTS.asked, COUNTS.remembered = 5, 2
    told = [
        Sample(TRANSLATION_MEMORY, 2, (("memory", "hit"),)),
        Sample(TRANSLATION_MEMORY, 3, (("memory", "miss"),)),
    ]
    assert translation.tally() == told
    assert [each.value for each in translation.tally() if isinstance(each, Sample)] == [0, 0]


def test_coverage_and_quality_are_kept_by_language() -> None:
    made = event()
    language = (("language", made.language.code),)
    assert translation.measure(made) == [
        Sample(COVERAGE, made.translation.coverage, language),
        Sample(QUALITY, made.translation.quality or 0, language),
    ]


def test_what_was_not_translated_has_no_quality() -> None:
    raw = orjson.loads(EXAMPLE.read_bytes())["translation"]
    made = event(translation={**raw, "quality": None, "coverage": 0.0})
    assert [each.metric for each in translation.measure(made)] == [COVERAGE]


def test_entities_are_counted_by_type_and_none_is_a_count_too() -> None:
    counts = {
        dict(each.labels)["type"]: each.value
        for each in tagging.measure(event(entities=[], about={"entities": [], "place": None}))
        if isinstance(each, Sample) and each.metric is ENTITIES
    }
    assert counts == {"PER": 0, "ORG": 0, "LOC": 0, "PRODUCT": 0, "WORK": 0}


@pytest.mark.parametrize(
    ("published", "moment"),
    [
        ({"value": "2024-03-02", "precision": "day", "from": "text"}, 1709337600.0),
        ({"value": "2024-03-02T09:15:00+01:00", "precision": "time", "from": "text"}, 1709367300.0),
        ({"value": "2024-03-02T08:15", "precision": "time", "from": "text"}, 1709367300.0),
        ({"value": "2024-03", "precision": "month", "from": "text"}, None),
        ({"value": "soon", "precision": "day", "from": "field"}, None),
        (None, None),
    ],
)
def test_the_moment_of_publication_is_measured_where_day_or_time_is_known(
    published: dict[str, str] | None, moment: float | None
) -> None:
    found = [
        each.value
        for each in tagging.measure(event(published_at=published))
        if isinstance(each, Sample) and each.metric is PUBLICATION_AGE_SECONDS
    ]
    assert found == ([] if moment is None else [moment])
