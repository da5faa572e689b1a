"""The tables: what they hold must be usable as it stands."""

import re

import pytest

from agents.translation import lexicon

LANGUAGES = ("it", "fr", "es")


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_pattern_has_portuguese_for_each_of_its_groups(language: str) -> None:
    rows = lexicon.patterns(f"{language}-pt")
    assert rows
    assert [pattern.pattern for pattern, words in rows if pattern.groups != len(words)] == []


@pytest.mark.parametrize(
    ("language", "line", "portuguese"),
    [
        ("it", "Non si vedevano da cinque anni.", "desde há"),
        ("it", "Un bambino da adottare.", None),
        ("it", "È tornato giovedì.", "na quinta-feira"),
        ("it", "La riunione di giovedì.", None),
        ("it", "Il treno per l'aeroporto.", "para"),
        ("it", "Per due ore.", None),
        ("it", "Lo ha fatto per la prima volta.", None),
        ("it", "Una legge appena firmata.", "recém"),
        ("it", "Un uomo il cui nome è noto.", "cujo"),
        ("it", "Un lungo sciopero.", "longo"),
        ("it", "Lungo la strada.", None),
        ("it", "Parla papa Francesco.", "Francisco"),
        ("it", "Parla Francesco.", None),
        ("it", "Il principe Carlo.", "Charles"),
        ("it", "Il principe Carlo di Borbone.", None),
        ("it", "Una fiera a Monaco.", "Munique"),
        ("it", "Il principato di Monaco.", None),
        ("fr", "Le président Poutine.", "Putin"),
        ("fr", "Le président Hollande.", "Hollande"),
        ("fr", "Un voyage en Hollande.", None),
        ("it", "Difende i propri interessi.", "seus"),
        ("it", "Un vero e proprio caso.", None),
        ("it", "È in ritardo, per cui aspetta.", "por isso"),
        ("it", "Il motivo per cui aspetta.", None),
        ("it", "In molti lo credono.", "muitos"),
        ("it", "In molti paesi.", None),
        ("it", "Due società falliscono.", "empresas"),
        ("it", "La società civile.", None),
        ("it", "Una lite durata due anni.", "que durou"),
        ("it", "È durata due anni.", None),
        ("it", "Ha fissato una riunione.", "marcado"),
        ("it", "Ha fissato il muro.", None),
        ("fr", "J'attends avec impatience le vote.", "aguardo com interesse"),
        ("fr", "Ce n'est pas assez clair.", "suficientemente"),
        ("fr", "Il tient une réunion.", "realiza"),
        ("fr", "Il tient un livre.", None),
        ("fr", "Dont deux enfants.", "incluindo"),
        ("fr", "Le livre dont je parle.", None),
        ("es", "Sigue en la cárcel.", "continua"),
        ("es", "Sigue el camino.", None),
        ("es", "Llevan tres años aquí.", "estão há"),
        ("es", "Llevan tres maletas.", None),
        ("es", "Trata de huir.", "tenta"),
        ("es", "Se trata de huir.", None),
        ("es", "Unas 300 personas.", "cerca de"),
        ("es", "Unas personas.", None),
        ("es", "Afronta cargos por fraude.", "acusações"),
        ("es", "Ocupa cargos públicos.", None),
        ("es", "Hablaba desde el hospital.", "de"),
        ("es", "Trabaja desde el verano.", None),
        ("es", "No sabe qué hacer.", "o que"),
        ("es", "No sabe qué camino tomar.", None),
        ("es", "Una carrera presidencial.", "corrida"),
        ("es", "Una carrera brillante.", None),
    ],
)
def test_a_pattern_is_found_by_what_stands_beside_it(
    language: str, line: str, portuguese: str | None
) -> None:
    found = [
        word
        for pattern, words in lexicon.patterns(f"{language}-pt")
        for match in pattern.finditer(line)
        for group, word in enumerate(words, 1)
        if match.group(group) is not None
    ]
    assert found == ([] if portuguese is None else [portuguese])


def test_a_phrase_that_ends_in_an_elision_is_found_before_its_word() -> None:
    phrases = lexicon.phrases("fr-pt")
    assert phrases is not None
    assert [match.group() for match in phrases.pattern.finditer("lors d'une visite")] == ["lors d'"]


def test_no_word_is_listed_twice() -> None:
    for pair in ("it-pt", "fr-pt", "es-pt", "ca-pt"):
        words = [row[0] for row in lexicon.rows(f"words.{pair}.tsv")]
        assert len(words) == len(set(words))
        assert [word for word in words if word != word.lower() or re.search(r"\s$", word)] == []
