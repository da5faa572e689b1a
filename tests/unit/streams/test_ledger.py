"""The ledger against a simple model of a partition, its reader, its owner and what may befall them.

The model: a log of records with gaps between offsets; a reader that hands records out within credit
and through a pipe that may lose what it holds; work that ends in any order; transactions that are
committed or lost as a whole; owners that crash or are rebalanced away and leave only what they
committed. Whatever happens, what was committed is the beginning of the log: nothing lost, doubled
or out of order.
"""

from collections import deque

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from streams.ledger import Arrival, Entry, Ledger, OutOfOrder, Prefix, Stamp


class Partition(RuleBasedStateMachine):
    """One partition's life."""

    @initialize(steps=st.lists(st.integers(1, 4), max_size=40), cap=st.integers(1, 8))
    def begin(self, steps: list[int], cap: int) -> None:
        self.log = [sum(steps[: count + 1]) for count in range(len(steps))]
        self.cap = cap
        self.written: list[int] = []
        self.committed = 0
        self.epoch = -1
        self.take_over()

    def take_over(self) -> None:
        """A new owner: all that it knows is the committed offset."""
        self.ledger: Ledger[int] = Ledger(self.committed, self.cap)
        self.working: list[Entry[int]] = []
        self.claimed: Prefix[int] | None = None
        self.pipe: deque[tuple[Stamp, int]] = deque()
        self.seek()

    def seek(self) -> None:
        self.epoch += 1
        self.ledger.rewind(self.epoch)
        self.position = self.ledger.next_offset
        self.number = 0

    @rule(most=st.integers(1, 10))
    def read(self, most: int) -> None:
        ahead = [offset for offset in self.log if offset >= self.position]
        for offset in ahead[: max(0, min(most, self.ledger.credit - self.number))]:
            self.pipe.append((Stamp(self.epoch, self.number), offset))
            self.number, self.position = self.number + 1, offset + 1

    @precondition(lambda self: self.pipe)
    @rule(most=st.integers(1, 10))
    def deliver(self, most: int) -> None:
        for _ in range(min(most, len(self.pipe))):
            stamp, offset = self.pipe.popleft()
            arrival, entry = self.ledger.arrive(stamp, offset, size=1)
            assert (entry is None) is (arrival is not Arrival.TAKEN)
            if entry is not None:
                self.working.append(entry)
            if arrival is Arrival.LOST_BEFORE:
                self.seek()

    @precondition(lambda self: self.pipe)
    @rule(data=st.data())
    def the_pipe_loses_one(self, data: st.DataObject) -> None:
        del self.pipe[data.draw(st.integers(0, len(self.pipe) - 1))]

    @rule()
    def the_reader_is_sent_back(self) -> None:
        self.seek()

    @precondition(lambda self: self.claimed is None)
    @rule(in_the_pipe=st.booleans())
    def the_reader_says_where_it_stands(self, in_the_pipe: bool) -> None:
        """It may say so before what it handed out has arrived."""
        if not in_the_pipe:
            self.deliver(len(self.pipe))
        ahead = [offset for offset in self.log if offset >= self.position]
        standing = ahead[0] if ahead else self.position + 3
        self.ledger.passed(Stamp(self.epoch, self.number), standing)
        offset = self.ledger.skip()
        if offset is not None:
            self.committed = offset
            self.ledger.skipped(offset)

    @precondition(lambda self: self.working)
    @rule(data=st.data())
    def work_ends(self, data: st.DataObject) -> None:
        entry = self.working.pop(data.draw(st.integers(0, len(self.working) - 1)))
        self.ledger.settle(entry, entry.offset)

    @precondition(lambda self: self.claimed is None)
    @rule(most=st.integers(1, 10))
    def a_transaction_begins(self, most: int) -> None:
        self.claimed = self.ledger.claim(most)

    def commit(self) -> None:
        assert self.claimed is not None
        outcomes = [entry.outcome for entry in self.claimed.entries]
        self.written += [offset for offset in outcomes if offset is not None]
        self.committed = self.claimed.next_offset
        self.claimed = None

    @precondition(lambda self: self.claimed is not None)
    @rule()
    def a_transaction_is_committed(self) -> None:
        self.commit()
        self.ledger.confirm()
        assert self.ledger.committed == self.committed

    @rule(committed_before=st.booleans(), late=st.booleans())
    def the_owner_changes(self, committed_before: bool, late: bool) -> None:
        """A crash or a rebalance; a transaction under way ends either way, but as a whole."""
        if self.claimed is not None and committed_before:
            self.commit()
        old, unfinished = self.ledger, self.working
        self.take_over()
        if late and unfinished:
            old.close()
            old.settle(unfinished[0], 0)
            assert old.claim(1) is None
            assert old.arrive(Stamp(old.epoch, old.arrived), 10**6, 1) == (Arrival.STALE, None)

    @invariant()
    def what_was_committed_is_the_beginning_of_the_log(self) -> None:
        assert self.written == self.log[: len(self.written)]
        assert all(offset < self.committed for offset in self.written)

    @invariant()
    def what_is_held_is_bounded(self) -> None:
        assert len(self.ledger) <= self.cap
        assert self.ledger.size == len(self.ledger)
        present = sum(1 for stamp, _ in self.pipe if stamp.epoch == self.epoch)
        assert present + len(self.ledger) <= self.cap

    def teardown(self) -> None:
        """Left in peace, everything comes out."""
        if not hasattr(self, "log"):
            return
        self.seek()
        for _ in range(3 * len(self.log) + 3):
            self.read(10)
            while self.pipe:
                self.deliver(10)
            for entry in self.working:
                self.ledger.settle(entry, entry.offset)
            self.working.clear()
            if self.claimed is None:
                self.claimed = self.ledger.claim(10)
            if self.claimed is not None:
                self.a_transaction_is_committed()
        assert self.written == self.log


Partition.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestPartition = Partition.TestCase


def opened(cap: int = 4, committed: int = 0) -> Ledger[str]:
    ledger: Ledger[str] = Ledger(committed, cap)
    ledger.rewind(0)
    return ledger


def arrive(ledger: Ledger[str], *offsets: int) -> list[Entry[str]]:
    entries = []
    for offset in offsets:
        _, entry = ledger.arrive(Stamp(ledger.epoch, ledger.arrived), offset, 1)
        assert entry is not None
        entries.append(entry)
    return entries


def test_a_slow_head_holds_back_what_came_after_it() -> None:
    ledger = opened()
    head, *others = arrive(ledger, 5, 6, 9)
    for entry in others:
        ledger.settle(entry, "done")
    assert ledger.claim(10) is None
    ledger.settle(head, "done")
    prefix = ledger.claim(10)
    assert prefix is not None
    assert [entry.offset for entry in prefix.entries] == [5, 6, 9]
    assert prefix.next_offset == 10


def test_what_waits_behind_a_slow_head_is_capped() -> None:
    ledger = opened(cap=3)
    entries = arrive(ledger, 1, 2, 3)
    assert ledger.credit == ledger.arrived
    for entry in entries[1:]:
        ledger.settle(entry, "done")
    assert ledger.credit == ledger.arrived
    ledger.settle(entries[0], "done")
    ledger.claim(10)
    ledger.confirm()
    assert ledger.credit == ledger.arrived + 3


def test_after_a_loss_nothing_is_taken_until_the_reader_is_sent_back() -> None:
    ledger = opened()
    arrive(ledger, 1)
    assert ledger.arrive(Stamp(0, 2), 3, 1) == (Arrival.LOST_BEFORE, None)
    assert ledger.arrive(Stamp(0, 3), 4, 1) == (Arrival.STALE, None)
    ledger.rewind(1)
    assert ledger.next_offset == 2
    assert ledger.arrive(Stamp(0, 1), 2, 1) == (Arrival.STALE, None)
    assert ledger.arrive(Stamp(1, 0), 2, 1)[0] is Arrival.TAKEN


def test_markers_behind_the_last_record_are_committed_over_once_nothing_is_held() -> None:
    ledger = opened()
    [entry] = arrive(ledger, 1)
    ledger.passed(Stamp(0, 1), 5)
    assert ledger.skip() is None
    ledger.settle(entry, "done")
    ledger.claim(1)
    ledger.confirm()
    assert ledger.skip() == 5
    ledger.skipped(5)
    assert (ledger.skip(), ledger.committed) == (None, 5)


def test_where_the_reader_stands_counts_only_when_all_it_handed_out_has_arrived() -> None:
    ledger = opened()
    ledger.passed(Stamp(0, 1), 5)
    assert ledger.next_offset == 0


def test_transactions_of_a_partition_follow_each_other() -> None:
    ledger = opened()
    for entry in arrive(ledger, 1, 2):
        ledger.settle(entry, "done")
    ledger.claim(1)
    with pytest.raises(OutOfOrder, match="before the last one was confirmed"):
        ledger.claim(1)


def test_wrong_books_are_told_from_what_faults_can_do() -> None:
    ledger = opened(committed=10)
    with pytest.raises(OutOfOrder, match="offset 9"):
        ledger.arrive(Stamp(0, 0), 9, 1)
    [entry] = arrive(ledger, 10)
    ledger.settle(entry, "done")
    with pytest.raises(OutOfOrder, match="settled twice"):
        ledger.settle(entry, "done")
    with pytest.raises(OutOfOrder, match="epoch 0"):
        ledger.rewind(0)
    with pytest.raises(OutOfOrder, match="nothing was claimed"):
        ledger.confirm()
