"""The ledger of one source partition: all that decides what may be committed, and when.

Theory. Records of a partition arrive in offset order and finish in any order, because their work
runs in several processes and may be tried again. Readers must see outputs in source order, each
once. So each record gets an entry when it arrives; outcomes wait in their entries; and only the
*finished prefix*, the entries from the head up to the first unfinished one, may leave. It leaves
in one transaction: outputs, dead letters and the offset after it become visible together.

    seek ─▶ arrive ─▶ [done][done][ … ][done]  ◀─ newest
                      ╰─ claim ─╯ ╰ waits for its turn
                      confirm: the transaction is committed

Everything that changes a ledger is one of these events:

| event   | when it is legal          | what it does                                             |
|---------|---------------------------|----------------------------------------------------------|
| rewind  | any time                  | begins an epoch: reading goes on at `next_offset`        |
| arrive  | stamp is the expected one | opens an entry at the tail                               |
| passed  | any time                  | notes that no record is left before an offset: behind    |
|         |                           | the last record there may be transaction markers         |
| settle  | the entry has no outcome  | keeps the outcome in its entry                           |
| claim   | nothing is claimed        | hands out the finished prefix, or nothing                |
| confirm | something is claimed      | removes it; `committed` moves behind it                  |
| close   | any time                  | ends the ledger: nothing counts any more, and what is    |
|         |                           | left belongs to the next owner                           |

*Stamps.* Between the consumer and this ledger lie buffers that are emptied at a rebalance without
telling anybody. Offsets cannot show what was lost there: transaction markers and compaction leave
legal gaps. So the reader stamps each record with the epoch (one per seek) and its number within
the epoch. A stamp of another epoch is stale and dropped; a number beyond the expected one means
that a record was lost on the way: the ledger takes nothing more until it is rewound.

*Credit.* What may wait behind a slow head is capped: in any epoch the reader may have handed out
no more than `credit` records, which grows only as entries leave.

There is no I/O and no clock here, and nothing outside this file changes a ledger.
"""

from collections import deque
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Stamp:
    """What the reader knows of a record: the epoch it was read in, and its number there, from 0."""

    epoch: int
    number: int


class Arrival(Enum):
    """What became of a record that arrived."""

    TAKEN = "taken"
    STALE = "stale"  # of another epoch, or after a loss: it comes again
    LOST_BEFORE = "lost before"  # the first to show that one before it went missing


class OutOfOrder(Exception):
    """An event that this ledger's state does not allow: the caller's books are wrong."""


@dataclass(eq=False, slots=True)
class Entry(Generic[T]):
    """One record in flight. `size` is in bytes; `outcome` is None until its work is done."""

    offset: int
    size: int
    outcome: T | None = None


@dataclass(frozen=True, slots=True)
class Prefix(Generic[T]):
    """A claimed prefix: its entries, all finished, and the offset to commit with them."""

    entries: tuple[Entry[T], ...]
    next_offset: int


class Ledger(Generic[T]):
    """Entries of one partition, oldest first.

    `committed` is the offset that reading starts from, `cap` the most entries to hold.
    """

    def __init__(self, committed: int, cap: int) -> None:
        self.committed = committed
        self.next_offset = committed
        self.size = 0
        self.closed = False
        self._cap = cap
        self._epoch = -1
        self._expected = 0
        self._lost = False
        self._claimed = 0
        self._entries: deque[Entry[T]] = deque()

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def epoch(self) -> int:
        """The epoch that was begun last; -1 before the first."""
        return self._epoch

    @property
    def arrived(self) -> int:
        """How many records of this epoch have arrived."""
        return self._expected

    @property
    def credit(self) -> int:
        """How many records of this epoch the reader may have handed out in all."""
        return self._expected + max(0, self._cap - len(self._entries))

    @property
    def finished(self) -> int:
        """Length of the finished prefix that is not claimed yet; 0 while one is claimed."""
        if self._claimed:
            return 0
        return sum(1 for _ in takewhile(lambda entry: entry.outcome is not None, self._entries))

    @property
    def idle(self) -> bool:
        """Whether nothing is held, so that reading alone may move `committed`."""
        return not self._entries and not self.closed

    @property
    def pending(self) -> bool:
        """Whether something finished is still to be claimed or confirmed."""
        return bool(self._claimed or self.finished)

    def rewind(self, epoch: int) -> None:
        """Begins an epoch: the reader goes on at `next_offset`, numbering from 0.

        Raises OutOfOrder unless `epoch` is above the present one.
        """
        if epoch <= self._epoch:
            raise OutOfOrder(f"epoch {epoch} was begun after epoch {self._epoch}")
        self._epoch, self._expected, self._lost = epoch, 0, False

    def arrive(self, stamp: Stamp, offset: int, size: int) -> tuple[Arrival, Entry[T] | None]:
        """Takes a record in, or says why not; an entry comes with TAKEN only.

        Raises OutOfOrder when a record of the present epoch lies before `next_offset`.
        """
        if self.closed or self._lost or stamp.epoch != self._epoch or stamp.number < self._expected:
            return Arrival.STALE, None
        if stamp.number > self._expected:
            self._lost = True
            return Arrival.LOST_BEFORE, None
        if offset < self.next_offset:
            raise OutOfOrder(f"offset {offset} arrived where {self.next_offset} or more was due")
        self._expected += 1
        self.next_offset = offset + 1
        entry: Entry[T] = Entry(offset, size)
        self._entries.append(entry)
        self.size += size
        return Arrival.TAKEN, entry

    def passed(self, stamp: Stamp, offset: int) -> None:
        """The reader, having handed out `stamp.number` records of the epoch, stands at `offset`.

        What lies between is no record: markers, aborted ones, gaps of compaction. Without this the
        committed offset would stay before them, and a stage that has done all would show lag.
        """
        if self.closed or self._lost or stamp != Stamp(self._epoch, self._expected):
            return
        self.next_offset = max(self.next_offset, offset)

    def settle(self, entry: Entry[T], outcome: T) -> None:
        """Keeps the outcome of an entry. Raises OutOfOrder when it has one."""
        if self.closed:
            return
        if entry.outcome is not None:
            raise OutOfOrder(f"offset {entry.offset} was settled twice")
        entry.outcome = outcome

    def claim(self, most: int) -> Prefix[T] | None:
        """The finished prefix, `most` entries at the most; None where there is none.

        Raises OutOfOrder while another is claimed: transactions of a partition follow each other.
        """
        if self._claimed:
            raise OutOfOrder("a prefix was claimed before the last one was confirmed")
        if self.closed:
            return None
        entries = tuple(self._entries[each] for each in range(min(self.finished, most)))
        if not entries:
            return None
        self._claimed = len(entries)
        return Prefix(entries, entries[-1].offset + 1)

    def skip(self) -> int | None:
        """The offset to commit although nothing was done; None where there is none to move to.

        Raises OutOfOrder while a prefix is claimed.
        """
        if self._claimed:
            raise OutOfOrder("offsets may not be skipped while a prefix is claimed")
        return self.next_offset if self.idle and self.next_offset > self.committed else None

    def skipped(self, offset: int) -> None:
        """`offset` is committed, though no record led there."""
        self.committed = max(self.committed, offset)

    def confirm(self) -> None:
        """Removes the claimed prefix, whose transaction is committed."""
        if not self._claimed:
            raise OutOfOrder("nothing was claimed")
        for _ in range(self._claimed):
            entry = self._entries.popleft()
            self.size -= entry.size
            self.committed = entry.offset + 1
        self._claimed = 0

    def close(self) -> None:
        """Ends the ledger."""
        self.closed = True
        self._entries.clear()
        self._claimed = self.size = 0
