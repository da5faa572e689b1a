"""The name table: what it finds, what it leaves alone, what it refuses to read."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.tagging.names import (
    COLUMNS,
    NameTable,
    NameTableError,
    parse_names,
    shipped_names,
    table,
)
from agents.tagging.spans import fold

HEAD = "\t".join(COLUMNS)


def found(text: str) -> list[tuple[str, str, bool]]:
    return [(text[hit.start : hit.end], hit.name.id, hit.certain) for hit in table(None).hits(text)]


def test_one_company_has_one_id_in_every_language_and_spelling() -> None:
    text = "OpenAI a Parigi, dell'OpenAI e d’OpenAI: Open AI, OPENAI."
    assert [identity for _, identity, _ in found(text) if identity.startswith("org:")] == [
        "org:openai"
    ] * 5


def test_two_swapped_letters_in_a_distinctive_name_are_forgiven() -> None:
    hits = table(None).hits("una causa contro OpneAI e ChatGTP")
    assert [(hit.name.id, hit.misspelt) for hit in hits] == [
        ("org:openai", True),
        ("product:chatgpt", True),
    ]


def test_a_common_word_in_lower_case_is_no_name() -> None:
    assert found("la meta del viaggio, i discovery e una tesla di campo") == []


def test_a_common_word_that_opens_a_sentence_is_doubtful_and_inside_one_is_not() -> None:
    assert found("Meta compra tutto.") == [("Meta", "org:meta", False)]
    assert found("Ieri Meta ha comprato tutto.") == [("Meta", "org:meta", True)]


def test_a_film_named_like_a_pronoun_needs_the_word_film_before_it() -> None:
    assert ("Her", "work:her", True) in found("un richiamo al film Her di dieci anni fa")
    assert found("Her house is big") == []


def test_a_product_named_like_a_town_needs_its_company_in_the_article() -> None:
    assert found("Il treno per Sora parte alle nove.") == []
    assert ("Sora", "product:sora", True) in found("OpenAI presenta Sora.")


def test_the_longest_name_wins() -> None:
    assert [i for _, i, _ in found("Ha parlato Warner Bros. Discovery ieri.")] == [
        "org:warner-bros-discovery"
    ]


def test_addresses_and_handles_are_not_names() -> None:
    assert found("vedi openai.com, @OpenAI e https://example.org/OpenAI") == []


@pytest.mark.parametrize(
    ("surface", "identity"),
    [
        ("Londra", "loc:london"),
        ("Londres", "loc:london"),
        ("Stati Uniti", "loc:united-states"),
        ("États-Unis", "loc:united-states"),
        ("EE. UU.", "loc:united-states"),
        ("Allemagne", "loc:germany"),
        ("Germania", "loc:germany"),
        ("Alemanha", "loc:germany"),
        ("Granada", "loc:granada"),
        ("Reggio Emilia", "loc:reggio-nell-emilia"),
    ],
)
def test_a_place_has_one_id_whatever_the_language(surface: str, identity: str) -> None:
    name = table(None).link(surface, "LOC")
    assert name is not None
    assert name.id == identity


def test_shipped_ids_follow_their_type_and_wikidata_numbers_are_numbers() -> None:
    for name in shipped_names():
        assert name.id.startswith(name.type.lower() + ":"), name
        assert name.wikidata is None or name.wikidata[1:].isdigit(), name


def test_a_table_of_ones_own_comes_before_the_shipped_one(tmp_path: Path) -> None:
    path = tmp_path / "names.tsv"
    path.write_text(HEAD + "\norg:my-meta\tMeta\tORG\tQ1\t\t\n", encoding="utf-8")
    hits = table(path).hits("Ieri Meta ha chiuso.")
    assert [(hit.name.id, hit.name.wikidata) for hit in hits] == [("org:my-meta", "Q1")]


@pytest.mark.parametrize(
    "text", ["", "name\ttype\n", HEAD + "\norg:x\tX\tCOMPANY\n", HEAD + "\norg:x\t\tORG\n"]
)
def test_a_broken_table_is_refused_with_its_file_and_the_remedy(text: str) -> None:
    with pytest.raises(NameTableError, match=r"mine\.tsv"):
        list(parse_names(text, "mine.tsv"))


def test_a_missing_table_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(NameTableError, match="absent"):
        table(tmp_path / "absent.tsv")


@given(st.text(alphabet="OpenAI Metafilm'’.-Hr\nÉ", max_size=60))
def test_hits_are_in_order_apart_and_within_the_text(text: str) -> None:
    hits = SMALL.hits(text)
    edges = [edge for hit in hits for edge in (hit.start, hit.end)]
    assert edges == sorted(edges)
    assert all(0 <= edge <= len(text) for edge in edges)
    assert all(text[hit.start : hit.end].strip() for hit in hits)


SMALL = NameTable(
    parse_names(
        HEAD + "\n\tOpenAI\tORG\n\tMeta\tORG\t\t\tevidence\n\tHer\tWORK\t\t\tfilm\n", "here"
    )
)


@given(st.text())
def test_folding_twice_changes_nothing_more(text: str) -> None:
    assert fold(fold(text)) == fold(text)
