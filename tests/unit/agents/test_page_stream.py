"""The page's event stream: places to resume from, filters, framing."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.page.stream import BadQuery, Filter, Position, Query, frame

EVENT = {
    "language": {"code": "it"},
    "source": "Il Foglio di Prova",
    "entities": [{"id": "org:openai", "name": "OpenAI"}, {"id": "per:x", "name": "Sam Altman"}],
}


@given(st.dictionaries(st.integers(0, 999), st.integers(0, 10**15), min_size=1))
def test_an_event_id_read_back_is_the_same_position(offsets: dict[int, int]) -> None:
    assert Position.parse(str(Position(offsets))) == Position(offsets)


@pytest.mark.parametrize("text", ["", "7", "0:1,", "a:b", "0:1\n", "0:-1", "0:1;1:2", "9" * 40])
def test_an_id_that_is_not_ours_is_refused_with_what_would_do(text: str) -> None:
    with pytest.raises(BadQuery, match="such as 0:12,1:7"):
        Position.parse(text)


@pytest.mark.parametrize(
    ("query", "wanted"),
    [
        ({}, True),
        ({"language": "it"}, True),
        ({"language": "fr"}, False),
        ({"language": "FR, IT"}, True),
        ({"entity": "org:openai"}, True),
        ({"entity": "altman"}, True),
        ({"entity": "org:open"}, False),
        ({"source": "il foglio di prova"}, True),
        ({"source": "foglio"}, False),
        ({"language": "it", "entity": "Netflix"}, False),
    ],
)
def test_filters_take_what_fits_all_of_them(query: dict[str, str], wanted: bool) -> None:
    assert Filter.of(query).accepts(EVENT) is wanted


def test_an_event_without_source_or_entities_is_just_not_chosen() -> None:
    bare: dict[str, Any] = {"language": {"code": "und"}, "source": None, "entities": []}
    assert Filter.of({}).accepts(bare)
    assert not Filter.of({"source": "x"}).accepts(bare)
    assert not Filter.of({"entity": "x"}).accepts(bare)


def test_the_id_that_a_browser_sends_again_wins_over_the_address_it_first_opened() -> None:
    query = Query.of({"after": "0:1"}, "0:5")
    assert query.start == Position({0: 5})


@pytest.mark.parametrize("query", [{"newest": "-1"}, {"newest": "9999"}, {"lang": "it"}])
def test_a_query_that_cannot_be_meant_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadQuery):
        Query.of(query, None)


@given(st.text())
def test_no_text_can_break_out_of_its_event(text: str) -> None:
    framed = frame("article", {"text": text}, Position({0: 1}))
    lines = framed.decode().split("\n")
    assert lines[:2] == ["event: article", "id: 0:1"]
    assert lines[3:] == ["", ""]
    assert "\r" not in framed.decode()
    assert orjson.loads(lines[2].removeprefix("data: ")) == {"text": text}
