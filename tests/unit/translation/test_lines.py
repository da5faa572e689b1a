"""The Unix filter's promise: as many lines out as in, whatever they hold."""

import shutil

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agents.translation.lines import translate_lines
from agents.translation.routes import engine_table
from streams.settings import Settings

SETTINGS = Settings()
APERTIUM = pytest.mark.skipif(
    shutil.which("lt-proc") is None
    or not all(
        row.available for row in engine_table(SETTINGS) if row.capabilities.route == "it>ca>pt>en"
    ),
    reason="the Italian pivot is not installed; `babelwire doctor` says what is missing",
)
NASTY = st.text(
    alphabet=st.one_of(
        st.sampled_from("^$[]{}\\/@<>*#+~_\0\n\r\t\x1b  \u2028\u200b\ud83d\ue000\ue001«“\"'"),
        st.sampled_from("abcIAxqÀé 0123456789.,;:!?"),
    ),
    max_size=60,
)


@given(st.lists(NASTY, max_size=6))
def test_a_language_without_an_engine_gives_its_lines_back_one_by_one(lines: list[str]) -> None:
    answer = translate_lines(SETTINGS, "xx", lines)
    assert answer == [" ".join(line.split()) for line in lines]


@APERTIUM
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True
)
@given(st.lists(NASTY, max_size=6))
def test_as_many_lines_come_out_as_went_in_whatever_they_hold(lines: list[str]) -> None:
    answer = translate_lines(SETTINGS, "it", lines)
    assert len(answer) == len(lines)
    assert all("\n" not in line for line in answer)


@APERTIUM
def test_the_lines_keep_their_order_and_empty_ones_stay_empty() -> None:
    lines = ["Il gatto dorme sul tavolo.", "", "Domani piove a Milano.", "   "]
    answer = translate_lines(SETTINGS, "it", lines)
    assert "cat" in answer[0]
    assert "Milan" in answer[2]
    assert (answer[1], answer[3]) == ("", "")


@APERTIUM
def test_a_line_means_the_same_whatever_stands_around_it() -> None:
    alone = translate_lines(SETTINGS, "it", ["Il treno è partito in ritardo."])
    among = translate_lines(
        SETTINGS, "it", ["^$[]{}", "Il treno è partito in ritardo.", "\\\\ \0 [][\n]"]
    )
    assert among[1] == alone[0]


@APERTIUM
def test_a_line_of_two_hundred_thousand_characters_comes_back_as_one_line() -> None:
    (answer,) = translate_lines(SETTINGS, "it", ["x" * 200_000])
    assert answer == "x" * 200_000
