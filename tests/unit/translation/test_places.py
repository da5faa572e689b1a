"""Towns that keep their names, and where a sentence says that something is in one."""

import re

import pytest

from agents.translation import places, stream


def _read(analysed: str) -> tuple[str, list[stream.Unit]]:
    line = re.sub(r"\^([^/]*)/[^$]*\$", r"\1", analysed)
    return line, stream.read_units(analysed, line)


def _where(analysed: str, language: str = "it") -> list[str]:
    line, units = _read(analysed)
    return [line[start : end + 5] for start, end in places.where(line, units, language)]


def test_a_town_that_english_calls_alike_is_unchanged_and_one_with_an_english_name_is_not() -> None:
    assert {"Chambéry", "Taranto", "Chicago"} <= places.unchanged()
    assert not {"Roma", "Vienne", "Montréal", "Mozambique"} & places.unchanged()


def test_only_what_may_be_a_place_to_the_analyser_is_an_unchanged_town() -> None:
    _, units = _read("^Taranto/Taranto<np><top>$ ^Como/come<adv>$")
    assert [places.is_unchanged(unit) for unit in units] == [True, False]


@pytest.mark.parametrize(
    "analysed",
    [
        "^Riunioni/riunione<n>$ ^a/a<pr>$ ^Roma/Roma<np><top>$.",
        "^Una/un<det>$ ^casa/casa<n>$, ^a/a<pr>$ ^Roma/Roma<np><top>$.",
        "^Partiti/partito<n>$ ^vivi/vivo<adj>$ ^a/a<pr>$ ^Roma/Roma<np><top>$.",
    ],
)
def test_a_town_after_a_thing_is_where_it_is(analysed: str) -> None:
    assert _where(analysed) == ["a Roma"]


def test_a_town_is_known_without_the_analyser_unless_it_may_be_somebody() -> None:
    assert _where("^Sede/sede<n>$ ^a/a<pr>$ ^Kiskunhalas/*Kiskunhalas$.") == ["a Kisk"]
    assert _where("^Un/un<det>$ ^vantaggio/vantaggio<n>$ ^a/a<pr>$ ^Clinton/*Clinton$.") == []


@pytest.mark.parametrize(
    ("analysed", "language"),
    [
        ("^È/essere<vbser>$ ^arrivato/arrivare<vblex>$ ^a/a<pr>$ ^Roma/Roma<np><top>$.", "it"),
        ("^Chiede/chiedere<vblex>$ ^a/a<pr>$ ^Roma/Roma<np><top>$ ^aiuto/aiuto<n>$.", "it"),
        ("^de/de<pr>$ ^Lyon/Lyon<np><loc>$ ^à/à<pr>$ ^Paris/Paris<np><loc>$", "fr"),
        ("^un/un<det>$ ^vol/vol<n>$ ^à/à<pr>$ ^Paris/Paris<np><loc>$", "fr"),
    ],
)
def test_a_town_after_a_movement_or_a_request_is_a_goal(analysed: str, language: str) -> None:
    assert _where(analysed, language) == []
