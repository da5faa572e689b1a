"""What the guards see and what they let pass."""

import pytest

from agents.translation import guards


def test_a_plain_translation_raises_no_alarm() -> None:
    assert (
        guards.alarms(
            "Il museo ha aperto nel 1998 con 3 sale.", "The museum opened in 1998 with three rooms."
        )
        == ()
    )


def test_a_loop_is_seen() -> None:
    assert "repetition" in guards.alarms(
        "Una frase normale.", "the town of the town of the town of the town of the town"
    )


def test_dropped_text_is_seen() -> None:
    assert "text dropped" in guards.alarms(
        "Una frase che ha molte parole e non finisce presto.", "A sentence."
    )


@pytest.mark.parametrize(
    ("source", "english"),
    [
        ("1.250,50 euro", "1,250.50 euros"),
        ("il 3º posto", "the third place"),
        ("12 mila", "12,000"),
        ("1.500 millones", "1.5 billion"),
        ("nel 2024", "in 2024"),
    ],
)
def test_a_number_in_another_spelling_is_not_lost(source: str, english: str) -> None:
    assert guards.lost_numbers(source, english) == []


def test_a_number_that_is_not_there_is_named() -> None:
    assert guards.lost_numbers("Sono 4700 persone", "They are 470 people") == ["4700"]
    assert guards.lost_numbers("1.500 millones", "1.4 billion") == ["1.500"]


def test_a_missing_name_is_named() -> None:
    assert guards.alarms("Parla Meta oggi", "The goal speaks today", ["Meta"]) == (
        "name lost: Meta",
    )


def test_text_left_in_its_own_language_is_seen() -> None:
    source = "Questa frase rimane nella lingua di partenza"
    assert "largely untranslated" in guards.alarms(source, source)


def test_a_sentence_in_another_language_is_seen() -> None:
    source = "Il sindaco ha detto che non si tratta di un problema della città."
    assert "not English" in guards.alarms(
        source, "O prefeito disse que não se trata de um problema da cidade."
    )
    assert guards.alarms(source, "The mayor said that it is not a problem of the city.") == ()
    assert (
        guards.alarms(source, "Juventus beats Roma, Milan and Inter draw, Lazio lose again") == ()
    )
