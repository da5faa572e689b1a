"""From a translated article to entities with offsets in both texts."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from agents.tagging.article import tag
from agents.tagging.names import table
from agents.tagging.rules import Names
from agents.tagging.spans import Span, tidy
from schemas import EnrichedEvent, Entity, EntityType, TranslatedArticle

Model = dict[str, EntityType]


def article(
    *sentences: tuple[str, str],
    title: tuple[str, str] | None = None,
    note: str | None = None,
    language: str = "it",
    coverage: float = 1.0,
) -> TranslatedArticle:
    """Sentences with their English, one paragraph."""
    spans: list[dict[str, Any]] = []
    texts = ["", ""]
    for pair in sentences:
        places = []
        for side, sentence in enumerate(pair):
            texts[side] += " " if texts[side] else ""
            start = len(texts[side])
            texts[side] += sentence
            places.append({"start": start, "end": len(texts[side])})
        spans.append(
            {"source": places[0], "target": places[1], "engine": "e", "route": "r", "notes": []}
        )
    return TranslatedArticle.model_validate(
        {
            "article_id": "a",
            "event_id": "e",
            "source": None,
            "url": None,
            "title": title and title[0],
            "byline": None,
            "published_at": None,
            "language": {"code": language, "confidence": 1.0},
            "text": texts[0],
            "paragraphs": [{"start": 0, "end": len(texts[0])}],
            "sentences": [span["source"] for span in spans],
            "removed": [],
            "provenance": {"note": note},
            "content_hash": "h",
            "extra": {},
            "versions": {},
            "translation": {
                "title": title and title[1],
                "text": texts[1],
                "paragraphs": [{"start": 0, "end": len(texts[1])}],
                "coverage": coverage,
                "quality": None,
                "sentences": spans,
            },
        }
    )


def tagged(
    translated: TranslatedArticle, finds: Model | None = None, english: Model | None = None
) -> dict[str, Entity]:
    """Entities by id, through the schema, with models that find the given names."""

    def finder(names: Model) -> Any:
        return lambda texts: [
            [
                Span(text.index(name), text.index(name) + len(name), kind)
                for name, kind in names.items()
                if name in text
            ]
            for text in texts
        ]

    entities, about = tag(
        translated,
        Names(table(None)),
        None if finds is None else finder(finds),
        finder(english or {}),
    )
    event = EnrichedEvent.model_validate({**dict(translated), "entities": entities, "about": about})
    return {entity.id: entity for entity in event.entities}


def pairs(entity: Entity) -> list[tuple[str, str | None]]:
    return [(m.source.text, m.target.text if m.target else None) for m in entity.mentions]


def test_a_name_is_found_in_both_texts() -> None:
    entities = tagged(article(("Ieri OpenAI ha parlato.", "Yesterday OpenAI spoke.")))
    assert pairs(entities["org:openai"]) == [("OpenAI", "OpenAI")]


def test_a_place_is_found_under_its_english_name() -> None:
    entities = tagged(article(("Si va a Londra e in Germania.", "One goes to London and Germany.")))
    assert pairs(entities["loc:london"]) == [("Londra", "London")]
    assert pairs(entities["loc:germany"]) == [("Germania", "Germany")]


def test_an_organisation_is_found_under_its_english_initials() -> None:
    entities = tagged(article(("Lo dice l'ONU.", "So says the UN.")))
    assert pairs(entities["org:united-nations"]) == [("ONU", "UN")]


def test_an_english_article_is_read_once_and_its_names_stand_in_both_texts() -> None:
    sentences = ("Ada Bruni left Pisa.", "Then Ada Bruni came back.")
    translated = article(*((each, each) for each in sentences), language="en")
    read: list[str] = []

    def find(texts: Any) -> Any:
        read.extend(texts)
        return [[Span(at, at + 9, "PER") for at in (0, 26)] for _ in texts]

    entities, _ = tag(translated, Names(table(None)), find, find)
    assert read == [translated.text]
    [person] = [entity for entity in entities if entity.type == "PER"]
    assert pairs(person) == [("Ada Bruni", "Ada Bruni"), ("Ada Bruni", "Ada Bruni")]


def test_a_name_that_lost_its_accent_is_found() -> None:
    entities = tagged(article(("Parla Zoë Dvořák.", "Zoe Dvorak speaks.")), {"Zoë Dvořák": "PER"})
    assert pairs(entities["per:zoe-dvorak"]) == [("Zoë Dvořák", "Zoe Dvorak")]


def test_a_name_that_was_translated_is_found_by_the_english_model() -> None:
    entities = tagged(
        article(("Apre il Museo Zefirino.", "The Zefirino Museum opens.")),
        {"Museo Zefirino": "ORG"},
        {"Zefirino Museum": "ORG"},
    )
    assert pairs(entities["org:museo-zefirino"]) == [("Museo Zefirino", "Zefirino Museum")]


def test_a_name_that_the_english_lacks_has_no_target() -> None:
    entities = tagged(article(("Ieri OpenAI ha parlato.", "Yesterday they spoke.")))
    assert pairs(entities["org:openai"]) == [("OpenAI", None)]


def test_no_english_span_serves_two_mentions() -> None:
    entities = tagged(article(("OpenAI e ancora OpenAI.", "OpenAI and again they.")))
    assert pairs(entities["org:openai"]) == [("OpenAI", "OpenAI"), ("OpenAI", None)]


def test_mentions_follow_their_sentences() -> None:
    event = tagged(
        article(("OpenAI tace.", "They are silent."), ("OpenAI parla.", "OpenAI speaks."))
    )
    assert pairs(event["org:openai"]) == [("OpenAI", None), ("OpenAI", "OpenAI")]


def test_title_text_and_provenance_count_their_own_offsets() -> None:
    entities = tagged(
        article(
            ("Oggi Netflix apre.", "Today Netflix opens."),
            title=("OpenAI a Roma", "OpenAI in Rome"),
            note="Apparso su Gizmodo.",
        )
    )
    fields = {
        identity: (m.field, m.source.start, m.target and m.target.start)
        for identity, entity in entities.items()
        for m in entity.mentions
    }
    assert fields == {
        "org:openai": ("title", 0, 0),
        "loc:rome": ("title", 9, 10),
        "org:netflix": ("text", 5, 6),
        "org:gizmodo": ("provenance", 11, None),
    }


def test_a_surname_and_its_full_name_are_one_person() -> None:
    entities = tagged(
        article(("Parla Ada Rossetti.", "Ada Rossetti speaks."), ("Poi Rossetti tace.", "Then R.")),
        {"Ada Rossetti": "PER"},
    )
    assert list(entities) == ["per:ada-rossetti"]
    assert len(entities["per:ada-rossetti"].mentions) == 2


def test_a_namesake_of_a_known_person_keeps_his_own_id() -> None:
    entities = tagged(
        article(("Il regista Robert Altman e poi Altman.", "Director Robert Altman, then Altman.")),
        {"Robert Altman": "PER"},
    )
    assert list(entities) == ["per:robert-altman"]


def test_a_misspelling_belongs_to_the_company() -> None:
    entities = tagged(article(("Una causa contro OpneAI.", "A case against OpneAI.")))
    assert pairs(entities["org:openai"]) == [("OpneAI", "OpneAI")]


def test_a_common_noun_makes_no_entity() -> None:
    assert tagged(article(("La polizia indaga.", "The police.")), {"polizia": "ORG"}) == {}


def test_without_a_model_names_come_from_the_english_if_the_source_has_them_letter_for_letter() -> (
    None
):
    entities = tagged(
        article(("Falou Inês Quintela.", "Inês Quintela, of the Old House, spoke."), language="pt"),
        None,
        {"Inês Quintela": "PER", "Old House": "ORG"},
    )
    assert {identity: pairs(e) for identity, e in entities.items()} == {
        "per:ines-quintela": [("Inês Quintela", "Inês Quintela")]
    }


def test_without_a_model_a_place_of_the_english_is_found_under_its_own_name() -> None:
    told = article(("Chove em Antuérpia.", "It rains in Antwerp."), language="pt")
    assert pairs(tagged(told, None, {"Antwerp": "LOC"})["loc:antwerp"]) == [
        ("Antuérpia", "Antwerp")
    ]


def test_what_is_named_first_and_often_and_in_the_title_is_most_salient() -> None:
    told = article(
        ("Ieri Netflix e OpenAI.", "Yesterday Netflix and OpenAI."),
        ("Poi OpenAI e Spotify.", "Then OpenAI and Spotify."),
        title=("OpenAI cresce", "OpenAI grows"),
    )
    entities = list(tagged(told).values())
    assert [entity.id for entity in entities] == ["org:openai", "org:netflix", "product:spotify"]
    assert all(a.salience >= b.salience for a, b in pairwise(entities))


def test_an_article_without_names_is_about_nothing() -> None:
    told = article(("Piove.", "It rains."))
    assert tagged(told) == {}


def test_a_text_without_capitals_has_its_names_in_both_languages() -> None:
    told = article(
        (
            "ieri openai ha parlato a lungo con i giornalisti di netflix, e oggi tutti ne parlano.",
            "yesterday openai talked at length with the people of netflix, and all talk of it.",
        )
    )
    entities = tagged(told)
    assert pairs(entities["org:openai"]) == [("openai", "openai")]
    assert pairs(entities["org:netflix"]) == [("netflix", "netflix")]


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_every_quote_is_what_its_offsets_cut_out_in_both_texts(data: st.DataObject) -> None:
    text = st.text(alphabet="OpenAI Parigi Paris Ada.,'’«»Éà-\n", min_size=1, max_size=60).filter(
        str.strip
    )
    pairs_of_text = data.draw(st.lists(st.tuples(text, text), min_size=1, max_size=4))
    given_article = article(*pairs_of_text, title=data.draw(st.none() | st.tuples(text, text)))

    def model(texts: Sequence[str]) -> list[list[Span]]:
        found = []
        for one in texts:
            points = st.tuples(st.integers(0, len(one)), st.integers(0, len(one)))
            drawn = data.draw(st.lists(points, max_size=5))
            kinds: st.SearchStrategy[EntityType] = st.sampled_from(["PER", "ORG", "LOC"])
            found.append(
                [span for a, b in drawn if a < b for span in tidy(one, a, b, data.draw(kinds))]
            )
        return found

    entities, about = tag(given_article, Names(table(None)), model, model)
    event = EnrichedEvent.model_validate(
        {**dict(given_article), "entities": entities, "about": about}
    )
    sources = {"text": event.text, "title": event.title or ""}
    targets = {"text": event.translation.text, "title": event.translation.title or ""}
    for mention in (mention for entity in event.entities for mention in entity.mentions):
        cut = sources[mention.field][mention.source.start : mention.source.end]
        assert cut == mention.source.text
        if mention.target is not None:
            cut = targets[mention.field][mention.target.start : mention.target.end]
            assert cut == mention.target.text
