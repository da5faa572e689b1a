"""The tables: what they hold must be usable as it stands."""

import re
from collections import Counter
from pathlib import Path

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
        ("it", "Il rapporto annuale.", "relatório"),
        ("it", "Il rapporto con il padre.", None),
        ("it", "Il peggiore che si sia mai visto.", "alguma vez"),
        ("it", "Non dorme mai.", None),
        ("it", "Una pioggia e venti forti.", "ventos"),
        ("it", "I venti anni di ritardo.", None),
        ("it", "Un voto alla Camera.", "Câmara"),
        ("it", "Una camera piccola.", None),
        ("it", "Un campione di sangue.", "amostra"),
        ("it", "Il campione del mondo.", None),
        ("it", "Il prestito va restituito.", "deve ser"),
        ("it", "Il treno va veloce.", None),
        ("it", "Il traffico resta lento.", "tráfego"),
        ("it", "Il traffico di droga.", None),
        ("it", "Una serie di scosse molto avvertite.", "sentida"),
        ("it", "La Fed alza i tassi.", "taxas de juro"),
        ("fr", "Dont deux enfants.", "incluindo"),
        ("fr", "Touché: il est touché par balle.", "baleado"),
        ("fr", "Il mène 3 à 1.", "lidera"),
        ("fr", "Il mène une vie calme.", None),
        ("fr", "Avec 17% des voix.", "votos"),
        ("fr", "On entend des voix.", None),
        ("fr", "Sa fille est née.", "filha"),
        ("fr", "Une fille est née.", None),
        ("fr", "Le séisme a fait dix morts.", "deixou"),
        ("fr", "Il a fait dix discours.", None),
        ("fr", "Il est tué par balle.", "a tiro"),
        ("fr", "Lancé par la balle.", None),
        ("fr", "Le meilleur qui ait jamais joué.", "alguma vez"),
        ("fr", "Le premier ne vient jamais.", None),
        ("fr", "Il portait une veste.", "usava"),
        ("fr", "Il portait une valise.", None),
        ("fr", "Selon une enquête récente.", "sondagem"),
        ("fr", "La police mène une enquête.", None),
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
        ("es", "Celebrará una fiesta.", None),
        ("es", "El partido celebró la cumbre.", "realizou"),
        ("es", "Ella lleva un sombrero.", "usa"),
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


def test_no_phrase_is_listed_twice() -> None:
    for language in LANGUAGES:
        listed = [row[0].lower() for row in lexicon.rows(f"phrases.{language}-pt.tsv")]
        assert [phrase for phrase in listed if listed.count(phrase) > 1] == []


@pytest.mark.parametrize(
    "table",
    sorted(Path(lexicon.__file__).with_name("data").glob("*.tsv")),
    ids=lambda table: table.name,
)
def test_no_table_has_an_entry_twice(table: Path) -> None:
    # A lemma may stand under several parts of speech.
    columns = 2 if table.name.startswith("lemmas") else 1
    rows = [line.split("\t") for line in table.read_text(encoding="utf-8").splitlines()]
    keys = Counter(tuple(row[:columns]) for row in rows if row[0] and not row[0].startswith("#"))
    assert [key for key, times in keys.items() if times > 1] == []
