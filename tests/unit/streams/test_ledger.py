"""The ledger against a simple model: whatever order work ends in, only finished prefixes leave."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.ledger import Ledger, OutOfOrder


def offsets_with_gaps(data: st.DataObject) -> list[int]:
    steps = data.draw(st.lists(st.integers(1, 5), min_size=1, max_size=30))
    return [sum(steps[: count + 1]) for count in range(len(steps))]


@given(st.data())
def test_records_leave_once_each_in_source_order_whatever_order_their_work_ends_in(
    data: st.DataObject,
) -> None:
    offsets = offsets_with_gaps(data)
    ledger: Ledger[str] = Ledger()
    entries = [ledger.arrive(offset) for offset in offsets]
    left: list[int] = []
    for entry in data.draw(st.permutations(entries)):
        entry.outcome = "done"
        left += [each.offset for each in ledger.take_finished()]
        unfinished = [each.offset for each in entries if each.outcome is None]
        assert left == [offset for offset in offsets if not unfinished or offset < unfinished[0]]
    assert left == offsets
    assert len(ledger) == 0


def test_nothing_leaves_while_the_head_is_unfinished() -> None:
    ledger: Ledger[str] = Ledger()
    ledger.arrive(7)
    ledger.arrive(8).outcome = "done"
    assert ledger.take_finished() == []


@pytest.mark.parametrize("offset", [3, 5])
def test_an_offset_that_is_not_beyond_the_newest_is_refused(offset: int) -> None:
    ledger: Ledger[str] = Ledger()
    ledger.arrive(5).outcome = "done"
    ledger.take_finished()
    with pytest.raises(OutOfOrder, match=f"offset {offset} arrived after 5"):
        ledger.arrive(offset)


def test_abandoning_gives_back_finished_and_unfinished_entries_alike() -> None:
    ledger: Ledger[str] = Ledger()
    waiting = ledger.arrive(1)
    done = ledger.arrive(2)
    done.outcome = "done"
    assert ledger.abandon() == [waiting, done]
    assert len(ledger) == 0
