"""Model and table together: which names a text has."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agents.tagging.models import word_test
from agents.tagging.names import table
from agents.tagging.recognition import recognise
from agents.tagging.spans import Span, tidy
from schemas import EntityType


def spans(text: str, *named: tuple[str, EntityType]) -> list[Span]:
    """What a model would find: the first occurrence of each."""
    return [Span(text.index(n), text.index(n) + len(n), kind) for n, kind in named]


def recognised(text: str, *named: tuple[str, EntityType]) -> list[tuple[str, str]]:
    found = recognise(text, spans(text, *named), table(None))
    return [(text[one.start : one.end], one.type) for one in found]


def test_the_table_corrects_the_type_of_a_name_it_knows() -> None:
    text = "Lo scrive Bloomberg."
    assert recognised(text, ("Bloomberg", "PER")) == [("Bloomberg", "ORG")]


def test_a_longer_name_of_the_model_beats_a_part_that_the_table_knows() -> None:
    text = "Lo dice la Banca d'Italia e anche il golfo del Messico."
    assert recognised(text, ("Banca d'Italia", "ORG"), ("golfo del Messico", "LOC")) == [
        ("Banca d'Italia", "ORG"),
        ("golfo del Messico", "LOC"),
    ]


def test_a_run_of_names_that_the_model_took_for_one_is_split() -> None:
    text = "parola del CEO Nvidia Jensen Huang ieri"
    assert recognised(text, ("Nvidia Jensen Huang", "PER")) == [
        ("Nvidia", "ORG"),
        ("Jensen Huang", "PER"),
    ]


def test_a_doubtful_name_counts_where_the_article_names_it_beyond_doubt() -> None:
    assert recognised("Meta cresce.") == []
    assert recognised("Meta cresce. Anche oggi Meta cresce.") == [("Meta", "ORG"), ("Meta", "ORG")]


def test_a_doubtful_name_counts_where_the_model_agrees() -> None:
    assert recognised("Meta cresce.", ("Meta", "ORG")) == [("Meta", "ORG")]


def test_a_club_named_like_its_city_is_left_to_the_model() -> None:
    text = "Il gol del Milan, poi la festa a Milano."
    assert recognised(text, ("Milan", "ORG")) == [("Milan", "ORG"), ("Milano", "LOC")]


def test_a_surname_alone_follows_the_full_name() -> None:
    text = "Parla Ada Rossetti. Secondo la Rossetti, nulla cambia."
    assert recognised(text, ("Ada Rossetti", "PER")) == [
        ("Ada Rossetti", "PER"),
        ("Rossetti", "PER"),
    ]


def test_a_word_that_opens_a_sentence_is_no_place() -> None:
    text = "Después llueve. Despeñaperros queda lejos."
    said = spans(text, ("Después", "LOC"), ("Despeñaperros", "LOC"))
    found = recognise(text, said, table(None), word_test("es"))
    assert [text[one.start : one.end] for one in found] == ["Despeñaperros"]


def test_one_name_has_one_type_in_an_article() -> None:
    text = "La Zefira apre. La Zefira chiude. La Zefira vende."
    first, second, third = (text.index("Zefira", at) for at in (0, 15, 32))
    given_spans = [
        Span(first, first + 6, "ORG"),
        Span(second, second + 6, "ORG"),
        Span(third, third + 6, "PER"),
    ]
    assert {one.type for one in recognise(text, given_spans, table(None))} == {"ORG"}


@pytest.mark.parametrize(
    "word", ["IA", "AI", "GPT", "CEO", "PDG", "COO", "Pubblicità", "Intelligenza Artificiale"]
)
def test_words_that_name_nothing_are_dropped(word: str) -> None:
    text = f"La nuova {word} piace."
    assert list(tidy(text, 9, 9 + len(word), "ORG")) == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("«OpenNova»,", "OpenNova"),
        ("l'Europa", "Europa"),
        ("dell’Unità", "Unità"),
        ("CEO Rossi", "Rossi"),
        ("M. Delorme", "Delorme"),
        ("the University of Bath", "University of Bath"),
        ("Rossi\nIeri", "Rossi"),
        ("Anna's", "Anna"),
        ("L'Aquila", "L'Aquila"),
        ("La Spezia", "La Spezia"),
    ],
)
def test_a_span_is_trimmed_to_the_name(text: str, name: str) -> None:
    assert [text[s.start : s.end] for s in tidy(text, 0, len(text), "LOC")] == [name]


@settings(deadline=None)
@given(st.data())
def test_whatever_a_model_says_names_are_in_order_and_apart(data: st.DataObject) -> None:
    text = data.draw(st.text(alphabet="OpenAI Meta Roma.,\n'dL", min_size=1, max_size=80))
    points = st.integers(0, len(text))
    said = [
        span
        for a, b in data.draw(st.lists(st.tuples(points, points), max_size=6))
        if a < b
        for span in tidy(text, a, b, "ORG")
    ]
    found = recognise(text, said, table(None))
    edges = [edge for one in found for edge in (one.start, one.end)]
    assert edges == sorted(edges)
    assert all(one.start < one.end for one in found)
