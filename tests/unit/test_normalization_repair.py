"""Characters are repaired, and each still knows its place in the raw body."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.normalization.layout import assemble, blocks, unwrap
from agents.normalization.mapped import Edit, Mapped, join
from agents.normalization.repair import repair


def repaired(text: str) -> str:
    return repair(Mapped.of(text)).text


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("La societÃ\xa0 ha detto perchÃ© no", "La società ha detto perché no"),
        ("lâ€™Ã©tÃ© dernier", "l’été dernier"),
        ("cafe\u0301", "café"),
        ("infor\u00admazione", "informazione"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\nfour"),
        ("a\x00b\x07c", "abc"),
        ("a\t\u00a0 b\u202f;", "a b ;"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("Q&amp;A &eacute;t&eacute; &#8217;", "Q&A été ’"),
        ("“Citazione” e 'altra' – sì", "“Citazione” e 'altra' – sì"),
        ("icona \ue001 qui \ufffe", "icona qui"),
        ("Questa è la fine.Inizio di un'altra", "Questa è la fine. Inizio di un'altra"),
        ("Ha vinto!Nessuno ci credeva", "Ha vinto! Nessuno ci credeva"),
        ("«Basta».Poi uscì", "«Basta». Poi uscì"),
    ],
)
def test_damage_is_repaired(raw: str, clean: str) -> None:
    assert repaired(raw) == clean


@pytest.mark.parametrize(
    "text",
    [
        "Si usa Node.js con Vue.js",
        "Vedi www.Esempio.It oppure https://esempio.org/Pagina.Html",
        "Scrivi a mario.Rossi@esempio.it",
        "Secondo Booking.Com i prezzi salgono",
        "L'S.p.A. e gli U.S.A. restano",
        "AT&T e R&D",
    ],
)
def test_names_and_addresses_with_stops_inside_stay(text: str) -> None:
    assert repaired(text) == text


def test_joiners_that_scripts_need_stay() -> None:
    family = "👨\u200d👩\u200d👧"
    assert repaired(family) == family


def test_an_edit_leaves_every_other_character_in_its_place() -> None:
    text = Mapped.of("abc&amp;def").edit([Edit(3, 8, "&")])
    assert text.text == "abc&def"
    assert text.cut(0, 3).raw_range() == (0, 3)
    assert text.cut(3, 4).raw_range() == (3, 8)
    assert text.cut(4, 7).raw_range() == (8, 11)


def test_a_rewritten_text_is_aligned_with_what_it_was() -> None:
    text = Mapped.of("perchÃ© no, cittÃ\u00a0 sì").become("perché no, città sì")
    assert text.cut(7, 9).raw_range() == (8, 10)
    assert text.cut(0, 6).raw_range() == (0, 7)


def test_text_without_a_place_says_so() -> None:
    assert Mapped.lost("abc").raw_range() is None
    assert join([Mapped.of("ab"), Mapped.of("cd")], "\n").cut(2, 3).raw_range() is None


@given(st.text(max_size=60), st.text(max_size=60))
def test_any_rewriting_gives_the_new_text_with_ranges_in_the_old(old: str, new: str) -> None:
    text = Mapped.of(old).become(new)
    assert text.text == new
    for first, last in zip(text.starts, text.ends, strict=True):
        assert -1 <= first <= last <= len(old)


@given(st.text(max_size=300))
def test_repaired_text_is_composed_and_free_of_controls(raw: str) -> None:
    text = repaired(raw)
    assert unicodedata.is_normalized("NFC", text)
    assert not [char for char in text if unicodedata.category(char) == "Cc" and char != "\n"]


def lines(text: str) -> str:
    return assemble(unwrap(blocks(Mapped.of(text)))).text


def test_a_single_newline_starts_a_paragraph() -> None:
    long = "Una frase abbastanza lunga da non poter stare in una colonna, che finisce con un punto."
    assert lines(f"{long}\n{long}") == f"{long}\n\n{long}"


def test_lines_set_to_a_margin_are_joined_and_broken_words_mended() -> None:
    column = (
        "Il comune ha aperto una ciclabile che segue le\n"
        "mura della città e che arriva fino alla stazio-\n"
        "ne, dove un parcheggio accoglie le biciclette e\n"
        "i monopattini di chi lavora fuori."
    )
    assert lines(column) == (
        "Il comune ha aperto una ciclabile che segue le mura della città e che arriva fino alla "
        "stazione, dove un parcheggio accoglie le biciclette e i monopattini di chi lavora fuori."
    )


def test_the_items_of_a_list_stay_apart() -> None:
    items = "Servono queste cose:\n- una bicicletta con i freni\n- un casco\n- molta pazienza"
    assert lines(items) == items.replace("\n", "\n\n")
