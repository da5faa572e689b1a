"""The five articles the system exists for, through the running pipeline and through `enrich`.

They are given from outside and not part of the project; without them these tests are skipped.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
import pytest

from tests.broker.harness import Desk, until

SEEDS = Path(__file__).resolve().parents[2].parent / "shared" / "seeds"

pytestmark = pytest.mark.skipif(
    not SEEDS.is_dir(), reason=f"the five seed articles are not here (no folder {SEEDS.name})"
)

FURNITURE = (
    "date 2024",
    "Pubblicità",
    "Di Fantasy",
    "Lire la suite",
    "A lire également",
    "Une version de cet article",
    "Ce contenu a été traduit",
    "Publicity",
    "Advertising",
    "Read more",
    "Read also",
    "originally appeared",
    "automatically translated",
    "click here",
)

TYPES = {
    "OpenAI": "ORG",
    "Bloomberg": "ORG",
    "The Verge": "ORG",
    "Gizmodo": "ORG",
    "Disney": "ORG",
    "Universal Pictures": "ORG",
    "Warner Bros.": "ORG",
    "Discovery": "ORG",
    "Meta": "ORG",
    "Google": "ORG",
    "Nvidia": "ORG",
    "Netflix": "ORG",
    "Tesla": "ORG",
    "Sora": "PRODUCT",
    "Optimus": "PRODUCT",
    "Sam Altman": "PER",
    "Brad Lightcap": "PER",
    "Jensen Huang": "PER",
    "Scarlett Johansson": "PER",
    "Joaquin Phoenix": "PER",
    "Hollywood": "LOC",
    "Los Angeles": "LOC",
}


@dataclass(frozen=True)
class Seed:
    """What must be true of one article: by the first three digits of its file name."""

    number: str
    language: str
    month: str | None
    byline: str | None
    entities: frozenset[str]


EXPECTED = (
    Seed(
        "000",
        "it",
        "2024-03",
        None,
        frozenset(
            {"OpenAI", "Sora", "Hollywood", "Bloomberg", "The Verge", "Los Angeles", "Sam Altman"}
        ),
    ),
    Seed(
        "001",
        "it",
        None,
        "Fantasy",
        frozenset(
            {"OpenAI", "Sora", "Disney", "Universal Pictures", "Warner Bros.", "Discovery"}
            | {"Brad Lightcap", "Sam Altman"}
        ),
    ),
    Seed(
        "002",
        "fr",
        None,
        None,
        frozenset(
            {"OpenAI", "Sora", "Hollywood", "Bloomberg", "Los Angeles", "Sam Altman", "Gizmodo"}
        ),
    ),
    Seed(
        "003",
        "it",
        "2024-05",
        None,
        frozenset(
            {"Nvidia", "Jensen Huang", "Meta", "Google", "Hollywood", "Bloomberg", "Disney"}
            | {"Netflix", "Warner Bros.", "Discovery", "OpenAI", "Tesla", "Optimus"}
            | {"Scarlett Johansson", "Sam Altman", "Joaquin Phoenix"}
        ),
    ),
    Seed("004", "fr", None, None, frozenset({"OpenAI", "Sora", "Bloomberg"})),
)

Event = dict[str, Any]


@pytest.fixture(scope="module")
def events(pipeline: Desk) -> dict[str, Event]:
    """The five events as they came out of the enriched topic, by seed number."""
    done = pipeline.run("push", "--json", str(SEEDS))
    receipts = [orjson.loads(line) for line in done.stdout.splitlines()]
    wanted = {receipt["article_id"]: Path(receipt["name"]).name[:3] for receipt in receipts}

    def arrived() -> dict[str, Event]:
        return {
            wanted[event["article_id"]]: event
            for event in pipeline.events()
            if event["article_id"] in wanted
        }

    until(lambda: len(arrived()) == len(EXPECTED), 120, "the five events")
    return arrived()


@pytest.fixture(params=EXPECTED, ids=lambda seed: seed.number)
def seed(request: pytest.FixtureRequest) -> Seed:
    """Each of the five in turn."""
    given: Seed = request.param
    return given


def entity(event: Event, name: str) -> Event:
    found = [each for each in event["entities"] if each["name"] == name]
    assert len(found) == 1, f"{name}: {[each['name'] for each in event['entities']]}"
    return dict(found[0])


def test_enrich_gives_the_same_five_events_as_the_pipeline(
    pipeline: Desk, events: dict[str, Event]
) -> None:
    lines = pipeline.run("enrich", str(SEEDS)).stdout.splitlines()
    assert sorted(orjson.dumps(event) for event in events.values()) == sorted(lines)


def test_the_language_the_month_and_the_byline_are_right(
    seed: Seed, events: dict[str, Event]
) -> None:
    event = events[seed.number]
    assert event["language"]["code"] == seed.language
    assert event["byline"] == seed.byline
    month = {"value": seed.month, "precision": "month", "from": "text"}
    assert event["published_at"] == (month if seed.month else None)


def test_no_furniture_is_left_in_either_text(seed: Seed, events: dict[str, Event]) -> None:
    event = events[seed.number]
    for text in (event["text"], event["translation"]["text"]):
        assert [each for each in FURNITURE if each.lower() in text.lower()] == []


def test_what_was_removed_is_named_at_its_place_in_the_raw_body(
    seed: Seed, events: dict[str, Event]
) -> None:
    [path] = SEEDS.glob(f"{seed.number}_*")
    body = path.read_text()
    for piece in events[seed.number]["removed"]:
        start = piece["start"]
        assert body[start : start + len(piece["text"])] == piece["text"]


def test_every_sentence_has_its_english(seed: Seed, events: dict[str, Event]) -> None:
    event = events[seed.number]
    sentences = event["translation"]["sentences"]
    assert [each["source"] for each in sentences] == event["sentences"]
    assert event["translation"]["coverage"] > 0.99
    assert len(event["translation"]["paragraphs"]) == len(event["paragraphs"])


def test_the_listed_entities_are_found_with_type_and_offsets_in_both_texts(
    seed: Seed, events: dict[str, Event]
) -> None:
    event = events[seed.number]
    sources = {"text": event["text"], "provenance": event["provenance"]["note"]}
    for name in seed.entities:
        found = entity(event, name)
        assert found["type"] == TYPES[name], name
        for mention in found["mentions"]:
            source = mention["source"]
            where = sources[mention["field"]]
            assert where[source["start"] : source["end"]] == source["text"]
        targets = [each["target"] for each in found["mentions"] if each["target"]]
        # A provenance note is not part of the article, so it has no English.
        assert targets or {each["field"] for each in found["mentions"]} == {"provenance"}, name
        for target in targets:
            english = event["translation"]["text"]
            assert english[target["start"] : target["end"]] == target["text"]


def test_an_entity_has_one_id_in_all_five(events: dict[str, Event]) -> None:
    ids: dict[str, set[str]] = {}
    for event in events.values():
        for each in event["entities"]:
            ids.setdefault(each["name"], set()).add(each["id"])
    assert ids["OpenAI"] == {"org:openai"}
    assert {name: found for name, found in ids.items() if len(found) > 1} == {}
    assert all("org:openai" in {e["id"] for e in event["entities"]} for event in events.values())


def test_a_misspelt_name_is_the_same_entity(events: dict[str, Event]) -> None:
    mentions = entity(events["003"], "OpenAI")["mentions"]
    assert "OpneAI" in {mention["source"]["text"] for mention in mentions}


def test_where_the_article_says_it_came_from_is_kept(events: dict[str, Event]) -> None:
    provenance = events["002"]["provenance"]
    assert "Gizmodo" in provenance["note"]
    assert provenance["machine_translated"] is True
    assert all(not events[n]["provenance"]["machine_translated"] for n in ("000", "001", "003"))
