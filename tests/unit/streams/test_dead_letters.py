"""What a replay carries, and which letters a filter takes."""

import pytest

from schemas import DeadLetter
from streams.dead_letters import REPLAY_COUNT, REPLAY_OF, Filter, replay_headers, replays_of
from streams.headers import Headers

LETTER = DeadLetter(
    stage="translation",
    stage_version="1.0.0",
    reason="failed",
    error="it broke",
    attempts=1,
    source_topic="babelwire.normalized",
    source_partition=0,
    source_offset=7,
    failed_at="2026-01-01T00:00:00.000+00:00",
)


def test_a_replay_carries_its_own_headers_and_forgets_the_failure() -> None:
    own: Headers = [("traceparent", b"00-1"), ("babelwire-raw-timestamp", b"5")]
    once = replay_headers([*own, *LETTER.to_headers()], "3@17")
    assert once == [*own, (REPLAY_COUNT, b"1"), (REPLAY_OF, b"3@17")]
    twice = replay_headers([*once, *LETTER.to_headers()], "3@18")
    assert twice == [*own, (REPLAY_COUNT, b"2"), (REPLAY_OF, b"3@18")]


@pytest.mark.parametrize("value", [b"", b"-1", b"many", b"\xff"])
def test_a_count_that_is_none_counts_as_none(value: bytes) -> None:
    assert replays_of([(REPLAY_COUNT, value)]) == 0


def test_a_filter_by_time_takes_its_beginning_and_not_its_end() -> None:
    wanted = Filter(since=10.0, until=20.0)
    taken = [at for at in (9.9, 10.0, 19.9, 20.0) if wanted.accepts(LETTER, None, at)]
    assert taken == [10.0, 19.9]


def test_what_does_not_tell_its_source_or_language_is_in_no_selection_by_them() -> None:
    for value in (None, b"not json", b"[]", b'{"source": 1, "language": {"code": 2}}'):
        assert not Filter(source="one").accepts(LETTER, value, 0.0)
        assert not Filter(language="it").accepts(LETTER, value, 0.0)
        assert Filter().accepts(LETTER, value, 0.0)
