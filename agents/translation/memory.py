"""A translation memory: a sentence seen before is not translated again.

News agencies' copy comes in many papers, and a correction repeats all but one sentence. The memory
is bounded, keyed on the engine with the versions of its models, and knows how often it was of use.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from agents.translation.engines import Capabilities, Engine, Rendering

if TYPE_CHECKING:
    from agents.translation.shelf import Shelf

SENTENCES: Final = 20_000
# With a shelf behind it, which is nearly as quick and lies on disk: copies come close together.
RECENT: Final = 2_000
# In characters; longer ones are hardly ever repeated and would make the bound on number no bound.
LONGEST: Final = 1_000


@dataclass
class Counts:
    """How often sentences were asked for, and remembered, since `taken` was called last; and how
    many are held."""

    asked: int = 0
    remembered: int = 0
    held: int = 0

    def taken(self) -> tuple[int, int]:
        """How many were asked for and remembered since the last call; counts from 0 again."""
        asked, remembered = self.asked, self.remembered
        self.asked = self.remembered = 0
        return asked, remembered


# Of all memories of this process, for whoever exports metrics.
COUNTS: Final = Counts()


class Memory:
    """The last SENTENCES renderings used, by engine and sentence; or the last RECENT ones, and
    behind them those on the shelf, which other processes put there too. `sentences` is another
    bound than these."""

    def __init__(
        self,
        sentences: int | None = None,
        counts: Counts = COUNTS,
        shelf: "Shelf | None" = None,
    ) -> None:
        self._size = sentences or (SENTENCES if shelf is None else RECENT)
        self._shelf = shelf
        self._held: OrderedDict[tuple[Capabilities, str], Rendering] = OrderedDict()
        self._counts = counts

    def through(
        self, key: Capabilities, sentences: list[str], work: Callable[[list[str]], list[Rendering]]
    ) -> list[Rendering]:
        """The renderings of the sentences; `work` is asked, once, for those not remembered."""
        known = {text: found for text in sentences if (found := self._held.get((key, text)))}
        new = [text for text in dict.fromkeys(sentences) if text not in known]
        if new and self._shelf is not None:
            known |= self._shelf.find(key, new)
            new = [text for text in new if text not in known]
        self._counts.asked += len(sentences)
        self._counts.remembered += len(sentences) - len(new)
        if new:
            made = dict(zip(new, work(new), strict=True))
            known |= made
            if self._shelf is not None:
                kept = {text: each for text, each in made.items() if len(text) <= LONGEST}
                self._shelf.keep(key, kept)
        for text, rendering in known.items():
            if len(text) <= LONGEST:
                self._held[key, text] = rendering
                self._held.move_to_end((key, text))
        while len(self._held) > self._size:
            self._held.popitem(last=False)
        self._counts.held = len(self._held)
        return [known[text] for text in sentences]


class Remembering:
    """An engine with a memory before it."""

    def __init__(self, engine: Engine, memory: Memory) -> None:
        self._engine = engine
        self._memory = memory

    @property
    def capabilities(self) -> Capabilities:
        """Those of the engine."""
        return self._engine.capabilities

    def translate(self, sentences: list[str]) -> list[Rendering]:
        """See Engine."""
        return self._memory.through(self.capabilities, sentences, self._engine.translate)

    def close(self) -> None:
        """Ends the engine's programs, if it has any."""
        close = getattr(self._engine, "close", None)
        if close is not None:
            close()
