"""Apertium alone: what is left where the neural model is missing. Words in the right language."""

import re

from agents.translation import guards, lexicon, mend, names, stream
from agents.translation.apertium import Pipeline
from agents.translation.engines import Capabilities, Rendering, confidence
from agents.translation.pieces import cut, together
from agents.translation.shield import Kind, Piece, Shield, is_token
from agents.translation.unknown import UnknownWords

_MARKED = re.compile(r"(\\.|\[[^\[\]]*\])|[*#@]+([^\W_]+(?:[-·'’][^\W\d_]+)*)?")
_WORD = re.compile(r"[^\W\d_]+")


class Rules:
    """Modes one after the other, the last into English; names are hidden from all of them."""

    def __init__(
        self,
        language: str,
        capabilities: Capabilities,
        analyser: Pipeline,
        modes: tuple[Pipeline, ...],
    ) -> None:
        self.capabilities = capabilities
        self._analyser = analyser
        self._modes = modes
        self._words = UnknownWords(language)
        self._known = names.known_pattern(list(lexicon.names()[0]))

    def translate(self, sentences: list[str]) -> list[Rendering]:
        """See Engine."""
        pieces = [list(cut(stream.clean(sentence))) for sentence in sentences]
        done = iter(self._pieces([piece for parts in pieces for piece in parts]))
        return [together([next(done) for _ in parts]) for parts in pieces]

    def close(self) -> None:
        """Ends Apertium's programs; the next sentence starts them again."""
        for pipeline in (self._analyser, *self._modes):
            pipeline.close()

    def _pieces(self, lines: list[str]) -> list[Rendering]:
        analysed = self._analyser.lines([stream.escape(line) for line in lines])
        shields = [Shield() for _ in lines]
        texts = [
            stream.escape(shield.hide(line, self._to_hide(line, units)))
            for shield, line, units in zip(shields, lines, analysed, strict=True)
        ]
        unknown: list[list[str]] = [[] for _ in lines]
        for mode in self._modes:
            texts = [
                _unmarked(text, words)
                for text, words in zip(mode.lines(texts), unknown, strict=True)
            ]
        return [
            _rendered(
                line, shield.show(stream.unescape(text), lambda _, piece: piece.text), shield, words
            )
            for line, shield, text, words in zip(lines, shields, texts, unknown, strict=True)
        ]

    def _to_hide(self, line: str, analysed: str) -> list[Piece]:
        units = stream.read_units(analysed, line)
        opaque = [match.span() for match in names.OPAQUE.finditer(line)]
        found = names.find_names(line, units, self._known, self._words.is_word)
        apart = [
            span
            for span in found
            if not any(span[0] < end and start < span[1] for start, end in opaque)
        ]
        return [Piece(start, end, line[start:end], Kind.NAME) for start, end in (*opaque, *apart)]


def _rendered(line: str, text: str, shield: Shield, unknown: list[str]) -> Rendering:
    english = mend.numbers(mend.english(text), line)
    alarms = guards.alarms(line, english, [piece.text for piece in shield.pieces])
    words = tuple(dict.fromkeys(unknown))
    return Rendering(
        english, confidence(len(_WORD.findall(line)), len(words), len(alarms)), words, alarms
    )


def _unmarked(text: str, unknown: list[str]) -> str:
    def take(match: re.Match[str]) -> str:
        if match.group(1) is not None:
            return match.group(1)
        word = match.group(2) or ""
        if word and not is_token(word) and word not in unknown:
            unknown.append(word)
        return word

    return _MARKED.sub(take, text)
