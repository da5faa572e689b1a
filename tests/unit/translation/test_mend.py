"""Repairs over the Portuguese and the English."""

from agents.translation import mend


def test_artificial_intelligence_is_feminine_and_follows_its_noun_with_a_preposition() -> None:
    assert mend.portuguese("O uso do IA e os modelos IA") == "O uso da IA e os modelos de IA"


def test_a_catalan_connective_that_hop_two_leaves_is_repaired() -> None:
    assert mend.portuguese("Ara bem, chove.") == "No entanto, chove."


def test_the_portuguese_abbreviation_becomes_english() -> None:
    assert mend.english("The society AI uses IA .") == "The AI company uses AI."


def test_a_name_of_a_name_gets_the_english_possessive() -> None:
    assert mend.possessives("As for Sora de OpenAI", ["Sora", "OpenAI"]) == "As for OpenAI's Sora"
    assert mend.possessives("Rio de Janeiro", ["Rio de Janeiro"]) == "Rio de Janeiro"
