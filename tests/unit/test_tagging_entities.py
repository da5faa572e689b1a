"""Which mentions are one thing, and how sure that is."""

from agents.tagging.entities import Thing, things
from agents.tagging.names import table
from agents.tagging.recognition import recognise
from agents.tagging.spans import Span
from schemas import EntityType


def grouped(
    text: str, *named: tuple[str, EntityType], language: str = "it"
) -> dict[str, tuple[Thing, list[str]]]:
    """Things by id with their mentions, where a model finds every occurrence of some names."""
    spans = [
        Span(at, at + len(name), kind)
        for name, kind in named
        for at in range(len(text))
        if text.startswith(name, at)
    ]
    found = recognise(text, spans, table(None), language=language)
    return {
        thing.id: (thing, [text[one.start : one.end] for one in thing.mentions])
        for thing in things(text, found, table(None), language)
    }


def test_a_city_of_a_common_name_is_the_likelier_one_and_the_other_is_said() -> None:
    thing, _ = grouped("Piove a Valencia.", ("Valencia", "LOC"))["loc:valencia-2509954"]
    assert 0.5 < thing.certainty < 0.9
    assert "loc:valencia" in {other.name.id for other in thing.others}


def test_the_country_that_an_article_names_tells_which_city_is_meant() -> None:
    text = "In Venezuela piove, a Valencia nevica."
    thing, _ = grouped(text, ("Valencia", "LOC"))["loc:valencia"]
    assert thing.certainty > 0.9


def test_a_place_that_is_the_only_one_of_its_name_is_certain() -> None:
    thing, _ = grouped("Piove a Lampedusa e a Londra.", ("Londra", "LOC"))["loc:london"]
    assert thing.certainty > 0.95
    assert thing.others == ()


def test_initials_in_brackets_are_the_name_before_them() -> None:
    text = "L'Istituto Zoologico Marino (IZM) apre. L'IZM è nuovo."
    found = grouped(text, ("Istituto Zoologico Marino", "ORG"), ("IZM", "ORG"))
    assert {key: names for key, (_, names) in found.items()} == {
        "org:istituto-zoologico-marino": ["Istituto Zoologico Marino", "IZM", "IZM"]
    }


def test_two_swapped_letters_are_forgiven_where_the_name_is_written_right_elsewhere() -> None:
    text = "La Zefiroc apre. La Zefiroc vende. La Zefirco chiude."
    found = grouped(text, ("Zefiroc", "ORG"), ("Zefirco", "ORG"))
    assert list(found) == ["org:zefiroc"]


def test_two_people_with_names_alike_stay_two() -> None:
    text = "Parla Marino. Poi Martino. Ancora Martino."
    found = grouped(text, ("Marino", "PER"), ("Martino", "PER"))
    assert set(found) == {"per:marino", "per:martino"}


def test_a_surname_of_two_people_belongs_to_the_one_named_last_with_a_doubt() -> None:
    text = "Ada Rossetti parla a Ugo Rossetti. Poi Rossetti esce."
    found = grouped(text, ("Ada Rossetti", "PER"), ("Ugo Rossetti", "PER"), ("Rossetti", "PER"))
    assert found["per:ugo-rossetti"][1] == ["Ugo Rossetti", "Rossetti"]
    assert found["per:ada-rossetti"][1] == ["Ada Rossetti"]


def test_a_company_is_one_with_and_without_its_legal_form() -> None:
    text = "La Zefira Marmi S.p.A. vende. La Zefira Marmi compra."
    found = grouped(text, ("Zefira Marmi S.p.A.", "ORG"), ("Zefira Marmi", "ORG"))
    assert list(found) == ["org:zefira-marmi"]


def test_an_institution_has_the_id_of_its_country_and_an_english_name() -> None:
    ministry, _ = grouped("Il ministero della Cultura tace.", ("ministero della Cultura", "ORG"))[
        "org:ministry-of-culture-it"
    ]
    assert ministry.name == "Ministry of Culture (Italy)"
    french = grouped(
        "Le ministère de la Culture se tait.", ("ministère de la Culture", "ORG"), language="fr"
    )
    assert list(french) == ["org:ministry-of-culture-fr"]


def test_a_name_nobody_knows_is_less_certain_the_shorter_it_is() -> None:
    found = grouped("Parla Ada Verdirame, poi Zuzzu.", ("Ada Verdirame", "PER"), ("Zuzzu", "PER"))
    assert found["per:ada-verdirame"][0].certainty > found["per:zuzzu"][0].certainty
