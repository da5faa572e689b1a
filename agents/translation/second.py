"""A second opinion: what the guards find fault with is tried on the other routes there are."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from agents.translation.engines import Capabilities, Engine, Rendering


class SecondOpinion:
    """An engine with others to ask when something is visibly wrong with its sentence.

    Each of `others` is made when it is first needed; one that cannot be made is left out. Of two
    renderings that with fewer alarms is kept, the first of equals; both reasons are recorded.
    """

    def __init__(self, engine: Engine, others: Sequence[Callable[[], Engine | None]]) -> None:
        self._engine = engine
        self._waiting = list(others)
        self._made: list[Engine] = []

    @property
    def capabilities(self) -> Capabilities:
        """Those of the engine that is asked first."""
        return self._engine.capabilities

    def translate(self, sentences: list[str]) -> list[Rendering]:
        """See Engine."""
        renderings = self._engine.translate(sentences)
        doubtful = [
            at
            for at, (sentence, rendering) in enumerate(zip(sentences, renderings, strict=True))
            if sentence.strip() and (rendering.alarms or not rendering.text.strip())
        ]
        asked = 0
        while doubtful and (other := self._other(asked)) is not None:
            asked += 1
            answers = other.translate([sentences[at] for at in doubtful])
            for at, answer in zip(doubtful, answers, strict=True):
                renderings[at] = _better(renderings[at], answer, self._engine, other)
            doubtful = [at for at in doubtful if renderings[at].alarms]
        return renderings

    def close(self) -> None:
        """Ends all programs; the next sentence starts them again."""
        for engine in (self._engine, *self._made):
            close = getattr(engine, "close", None)
            if close is not None:
                close()

    def _other(self, number: int) -> Engine | None:
        while len(self._made) <= number and self._waiting:
            made = self._waiting.pop(0)()
            if made is not None:
                self._made.append(made)
        return self._made[number] if number < len(self._made) else None


def _better(first: Rendering, second: Rendering, engine: Engine, other: Engine) -> Rendering:
    kept, kept_by, gone, gone_by = (
        first,
        first.by or engine.capabilities,
        second,
        other.capabilities,
    )
    if _faults(second) < _faults(first):
        kept, kept_by, gone, gone_by = second, other.capabilities, first, kept_by
    why = "; ".join(gone.alarms) or ("no text" if not gone.text.strip() else "no better")
    action = f"tried by {gone_by.route} too, not kept: {why}"
    actions = tuple(dict.fromkeys((*first.actions, *second.actions, action)))
    return replace(kept, actions=actions, by=kept_by)


def _faults(rendering: Rendering) -> int:
    return len(rendering.alarms) + 10 * (not rendering.text.strip())
