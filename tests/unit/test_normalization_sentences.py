"""Where sentences end in the served languages."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.normalization.sentences import LONGEST, sentences


def cut(text: str, language: str) -> list[str]:
    return [text[start:end] for start, end in sentences(text, language)]


@pytest.mark.parametrize(
    ("language", "parts"),
    [
        ("it", ["Il dott. Rossi è partito.", "La sig.ra Bianchi no."]),
        ("it", ["Costa 3.50 euro, cioè il 2.5% in più.", "Non è poco."]),
        ("it", ["«Non ci credo», ha detto.", "«Nessuno ci crede.»", "Poi ha taciuto."]),
        ("it", ["Lo dice l'art. 3 della legge.", "E basta."]),
        ("it", ["Pane, latte, ecc.", "Tutto il resto manca."]),
        ("it", ["«Perché?» chiese il giudice.", "Nessuno rispose!"]),
        ("fr", ["M. Dupont habite au n. 5.", "Mme Durand aussi."]),
        ("fr", ["« C'est fini. »", "Il est parti."]),
        ("fr", ["Est-ce vrai ?", "Oui !", "Vraiment…", "Bon."]),
        ("fr", ["Il hésite... puis il part.", "Elle reste."]),
        ("fr", ["Né en 2024.", "Mort jamais."]),
        ("es", ["¿Quién es?", "¡No lo sé!", "La Sra. Pérez tampoco."]),
        ("es", ["Viajó a EE.UU. en mayo.", "Volvió en junio."]),
        ("es", ["Se fundó en el año 25 a. C. junto al río.", "Sigue en pie."]),
        ("it", ["Lo ha detto Mr. Smith ieri.", "Nessuno rispose."]),
        ("pt", ["O Sr. Silva disse que não.", "A Dra. Costa concordou."]),
        ("en", ["Mr. Smith met J. K. Rowling at 5 p.m. on Monday.", "They talked."]),
        ("en", ['"Is it true?" she asked.', '"It is."', "He left."]),
        ("en", ["It runs on Node.js 3.2 today.", "See example.com for more."]),
        ("en", ["He said (it was late. Very late.) that he was tired.", "So was I."]),
        ("es", ["Hay huelga en EE.UU.", "La semana pasada no.", "Dijo que no.", "Nadie fue."]),
        ("en", ["They struck in the U.S.A.", "The rest did not.", "He met George W. Bush."]),
        ("xx", ["Ensimmäinen lause.", "Toinen lause."]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(language: str, parts: list[str]) -> None:
    assert cut(" ".join(parts), language) == parts


def test_a_newline_ends_a_sentence_without_a_mark() -> None:
    assert cut("Un titolo senza punto\n\nUn altro paragrafo", "it") == [
        "Un titolo senza punto",
        "Un altro paragrafo",
    ]


def test_a_sentence_that_goes_on_small_after_a_full_stop_is_cut_only_after_a_whole_word() -> None:
    assert cut("Nessuno lo conosce davvero. poi arriva lui.", "it") == [
        "Nessuno lo conosce davvero.",
        "poi arriva lui.",
    ]
    assert cut("Vedi pag. seguente.", "it") == ["Vedi pag. seguente."]


def test_chinese_and_japanese_marks_end_sentences_without_a_space() -> None:
    assert cut("今日は晴れ。明日は雨。", "ja") == ["今日は晴れ。", "明日は雨。"]


def test_a_numbered_heading_is_not_cut_after_its_number() -> None:
    assert cut("3. Conclusioni\nTutto qui.", "it") == ["3. Conclusioni", "Tutto qui."]


def test_a_text_without_marks_is_cut_at_pauses_to_bounded_length() -> None:
    parts = cut("parola, " * 1_000, "it")
    assert len(parts) > 1
    assert all(len(part) <= LONGEST for part in parts)
    assert all(part.endswith(",") for part in parts)


@given(st.text(alphabet="aA1 .!?…»«\"'()\n,;", max_size=200), st.sampled_from(["it", "fr", "xx"]))
def test_ranges_are_in_order_trimmed_and_lose_nothing(text: str, language: str) -> None:
    spans = sentences(text, language)
    at = 0
    for start, end in spans:
        assert at <= start < end
        assert not text[at:start].strip()
        assert text[start:end] == text[start:end].strip()
        assert "\n" not in text[start:end]
        at = end
    assert not text[at:].strip()
