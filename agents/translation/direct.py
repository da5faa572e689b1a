"""A direct model from a language into English."""

from collections.abc import Callable

from agents.translation import lexicon, mend, names, stream
from agents.translation.engines import Capabilities, Rendering, confidence
from agents.translation.keeping import Draft, keep_names
from agents.translation.pieces import cut, together


class Direct:
    """A Bergamot model; names are those of the name list and what looks like one by its form."""

    def __init__(self, neural: Callable[[str], str], capabilities: Capabilities) -> None:
        self.capabilities = capabilities
        self._neural = neural
        self._known = names.known_pattern(list(lexicon.names()[0]))

    def translate(self, sentences: list[str]) -> list[Rendering]:
        """See Engine."""
        return [
            together([self._piece(piece) for piece in cut(stream.clean(sentence))])
            for sentence in sentences
        ]

    def _piece(self, line: str) -> Rendering:
        kept: dict[int, str] = {}
        opaque = set()
        text: list[str] = []
        at = 0
        for start, end, hidden in names.find_by_form(line, self._known):
            slot = len(kept)
            text += (line[at:start], f"\ue000{slot}\ue001")
            kept[slot] = line[start:end]
            if hidden:
                opaque.add(slot)
            at = end
        draft = Draft("".join((*text, line[at:])), kept, frozenset(opaque))
        english, alarms, actions = keep_names(self._neural, draft, line, [])
        return Rendering(
            mend.opening(mend.numbers(mend.english(english), line), line),
            confidence(1, 0, len(alarms)),
            (),
            alarms,
            actions,
        )
