"""The ledger of one source partition: all that decides which offset may be committed.

Theory. Records of a partition arrive in offset order and finish in any order, because their work
runs in several processes. Readers must see outputs in source order, and an offset may be committed
only when every record before it has its output on the broker. So each record gets an entry when it
arrives; outcomes wait in their entries; and only the *finished prefix*, the entries from the head
up to the first unfinished one, may leave.

    arrives ->  [done][done][ ... ][done]   <- newest
                \\__ prefix __/ \\_ waits for its turn

The ledger does no I/O and knows no clock. A rebalance ends it: what it still holds belongs to
whoever gets the partition next, who starts from the committed offset.
"""

from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


class OutOfOrder(Exception):
    """An offset arrived that is not after the newest one: the ledger is not that of this flow."""


@dataclass(eq=False)
class Entry(Generic[T]):
    """One record in flight. `outcome` is None until its work is done."""

    offset: int
    outcome: T | None = None


class Ledger(Generic[T]):
    """Entries of one partition, oldest first."""

    def __init__(self) -> None:
        self._entries: deque[Entry[T]] = deque()
        self._newest = -1

    def __len__(self) -> int:
        return len(self._entries)

    def arrive(self, offset: int) -> Entry[T]:
        """Opens an entry. Raises OutOfOrder unless `offset` is beyond all that came before.

        Gaps are legal: transaction markers and compaction leave them.
        """
        if offset <= self._newest:
            raise OutOfOrder(f"offset {offset} arrived after {self._newest}")
        self._newest = offset
        entry: Entry[T] = Entry(offset)
        self._entries.append(entry)
        return entry

    def take_finished(self) -> list[Entry[T]]:
        """Removes and returns the finished prefix; its last offset plus one may be committed once
        all its outputs are on the broker."""
        finished = []
        while self._entries and self._entries[0].outcome is not None:
            finished.append(self._entries.popleft())
        return finished

    def abandon(self) -> list[Entry[T]]:
        """Removes and returns all entries, finished or not."""
        abandoned = list(self._entries)
        self._entries.clear()
        return abandoned
