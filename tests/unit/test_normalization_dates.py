"""Publication dates, no more precise than they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.normalization.dates import Date, date_line, find_date, parse_date


@pytest.mark.parametrize(
    ("text", "value", "precision"),
    [
        ("2024", "2024", "year"),
        ("2024-03", "2024-03", "month"),
        ("2024-03-12", "2024-03-12", "day"),
        ("2024-03-12T10:45:00Z", "2024-03-12T10:45:00Z", "time"),
        ("2024-03-12T10:45:00.123+0100", "2024-03-12T10:45:00+01:00", "time"),
        ("Tue, 12 Mar 2024 10:45:00 +0100", "2024-03-12T10:45:00+01:00", "time"),
        ("12 marzo 2024", "2024-03-12", "day"),
        ("1er février 2024", "2024-02-01", "day"),
        ("12 août 2024 à 9h05", "2024-08-12T09:05", "time"),
        ("12 de marzo de 2024", "2024-03-12", "day"),
        ("5 de março de 2024", "2024-03-05", "day"),
        ("March 5th, 2024", "2024-03-05", "day"),
        ("Mar. 5, 2024 3:30 pm", "2024-03-05T15:30", "time"),
        ("5. März 2024", "2024-03-05", "day"),
        ("settembre 2024", "2024-09", "month"),
        ("12/03/2024 - 10:45", "2024-03-12T10:45", "time"),
        ("03.12.2024", "2024-12-03", "day"),
        ("03/25/2024", "2024-03-25", "day"),
    ],
)
def test_a_field_is_read_to_its_own_precision(text: str, value: str, precision: str) -> None:
    found = parse_date(text)
    assert found is not None
    assert (found.value, found.precision) == (value, precision)


@pytest.mark.parametrize("text", [None, "", "ieri", "31/02/2024", "99999", "2024-13", "12 mesi"])
def test_what_is_no_date_is_none(text: str | None) -> None:
    assert parse_date(text) is None


@pytest.mark.parametrize(
    "line",
    [
        "Pubblicato il 12 marzo 2024",
        "Publié le 12 mars 2024",
        "Publicado el 12 de marzo de 2024",
        "Publicado em 12 de março de 2024",
        "Published on March 12, 2024",
        "martedì 12 marzo 2024",
        "Aggiornato: 12/03/2024",
    ],
)
def test_a_line_that_is_only_a_date_is_a_date_line(line: str) -> None:
    assert date_line(line) == Date("2024-03-12", "day")


@pytest.mark.parametrize(
    "line",
    [
        "Il 12 marzo 2024 il governo cade",
        "Nel marzo 2024 tutto cambia",
        "Roma, 12 marzo 2024, ore decisive",
        "Le elezioni del 2024",
    ],
)
def test_a_sentence_with_a_date_is_no_date_line(line: str) -> None:
    assert date_line(line) is None


@given(st.text(max_size=150))
def test_no_text_breaks_the_search(text: str) -> None:
    found = find_date(text)
    assert found is None or 0 <= found.start < found.end <= len(text)
