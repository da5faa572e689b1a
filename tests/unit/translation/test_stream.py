"""The Apertium stream format, without Apertium."""

from hypothesis import given
from hypothesis import strategies as st

from agents.translation import stream


@given(st.text())
def test_escaping_a_line_and_undoing_it_gives_the_line(text: str) -> None:
    assert stream.unescape(stream.escape(text)) == text


@given(st.lists(st.text(alphabet=st.characters(exclude_characters="\0"))))
def test_lines_sent_through_a_pipeline_that_changes_nothing_come_back(lines: list[str]) -> None:
    cleaned = [stream.clean(line) for line in lines]
    request = stream.join([stream.escape(line) for line in cleaned])
    assert [stream.unescape(line) for line in stream.split(request)] == cleaned


@given(st.text())
def test_a_cleaned_line_holds_no_control_characters_and_no_doubled_spaces(text: str) -> None:
    cleaned = stream.clean(text)
    assert cleaned == " ".join(cleaned.split())
    assert all(char.isprintable() or char == " " for char in cleaned)


def test_lexical_units_are_read_with_their_places_in_the_line() -> None:
    line = "L'attrice @ Lightcap."
    analysed = "^L'/il<det>$ ^attrice/attrice<n>$ \\@ ^Lightcap/*Lightcap$^./.<sent>$"
    units = stream.read_units(analysed, line)
    assert [line[unit.start : unit.end] for unit in units] == ["L'", "attrice", "Lightcap", "."]
    assert [unit.unknown for unit in units] == [False, False, True, False]


def test_a_unit_that_is_not_in_the_line_is_left_out() -> None:
    units = stream.read_units("^uno/uno<num>$ ^due/due<num>$ ^tre/tre<num>$", "uno tre")
    assert [unit.surface for unit in units] == ["uno", "tre"]


def test_an_escaped_slash_within_a_unit_does_not_split_it() -> None:
    (unit,) = stream.read_units("^a\\/b/*a\\/b$", "a/b")
    assert unit.surface == "a/b"
    assert unit.analyses == ("*a/b",)
