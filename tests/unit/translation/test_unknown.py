"""Words that the rules do not know."""

import pytest

from agents.translation.portuguese import plural
from agents.translation.unknown import UnknownWords, by_ending


@pytest.mark.parametrize(
    ("word", "language", "portuguese"),
    [
        ("digitalizzazione", "it", "digitalização"),
        ("instabilità", "it", "instabilidade"),
        ("sedación", "es", "sedação"),
        ("activació", "ca", "activação"),
        ("vectorisation", "fr", "vectorisação"),
    ],
)
def test_endings_are_what_the_languages_share(word: str, language: str, portuguese: str) -> None:
    assert by_ending(word, language) == portuguese


def test_a_word_too_short_for_its_ending_is_left_alone() -> None:
    assert by_ending("are", "it") is None


def test_the_own_lexicon_overrules_what_the_rules_know() -> None:
    assert UnknownWords("it").portuguese("Sciopero", unknown=False) == "greve"


def test_a_word_that_the_rules_know_is_left_to_them() -> None:
    assert UnknownWords("it").portuguese("federazione", unknown=False) is None


@pytest.mark.parametrize(
    ("singular", "many"), [("estação", "estações"), ("homem", "homens"), ("casa", "casas")]
)
def test_regular_plurals(singular: str, many: str) -> None:
    assert plural(singular) == many
