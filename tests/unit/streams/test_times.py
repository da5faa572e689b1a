"""Times as people write them."""

import pytest

from streams.times import moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 9_970),
        ("2m", 9_880),
        ("1h", 6_400),
        ("0.1d", 1_360),
        ("1970-01-02", 86_400),
        ("1970-01-01T01:00", 3_600),
        ("1970-01-01T01:00+01:00", 0),
    ],
)
def test_a_time_is_so_long_ago_or_a_date_in_utc(text: str, seconds: float) -> None:
    assert moment(text, now=10_000) == seconds


@pytest.mark.parametrize("text", ["", "soon", "5", "1w", "-1h", "2026-13-01"])
def test_anything_else_says_what_was_expected(text: str) -> None:
    with pytest.raises(ValueError, match="such as 15m"):
        moment(text, now=0)
