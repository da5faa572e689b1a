"""The pivot: rules into Portuguese, where a neural model into English waits.

Apertium translates between close languages well, hop by hop; the neural model then makes English
of the Portuguese. What the rules would spoil is hidden from them (names) or put right for them
(phrases, unknown words); what the neural model loses is found out and tried again.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

import simplemma

from agents.translation import lexicon, mend, names, places, stream
from agents.translation.apertium import Pipeline
from agents.translation.elsewhere import Elsewhere
from agents.translation.engines import Capabilities, Rendering, confidence
from agents.translation.hops import Hop, Meaning
from agents.translation.keeping import Draft, keep_names
from agents.translation.pieces import cut, together
from agents.translation.portuguese import agree
from agents.translation.quoted import unmarked
from agents.translation.shield import Kind, Piece, Shield, is_token
from agents.translation.unknown import UnknownWords, by_ending

_MARKED = re.compile(r"(\\.|\[[^\[\]]*\])|[*#@]+([^\W_]+(?:[-·'’][^\W_]+)*)?")
_END = re.compile(r"[.!?…:;]['\"”’»)\]]*$")
_WORD = re.compile(r"[^\W\d_]+(?:[-·][^\W\d_]+)*")
_AI = re.compile(r"(?<![\w-])(?:IA|AI)(?![\w-])")


@dataclass
class _Job:
    line: str
    shield: Shield
    text: str
    full_stop: bool
    unknown: list[str] = field(default_factory=list)
    dropped: list[str] = field(default_factory=list)


class Pivot:
    """One language's way through Portuguese.

    With `elsewhere` the analyser is that of its first hop, which may know other words than the way
    itself does; words that the way does not know are asked for there.
    """

    def __init__(
        self,
        language: str,
        capabilities: Capabilities,
        analyser: Pipeline,
        hops: tuple[Hop, ...],
        neural: Callable[[str], str],
        elsewhere: Elsewhere | None = None,
    ) -> None:
        self.language = language
        self.capabilities = capabilities
        self._analyser = analyser
        self._hops = hops
        # The language that each hop turns into Portuguese, if it does.
        between = capabilities.route.split(">")[1] if len(hops) > 1 else ""
        self._into = ("", between) if between else (language,)
        self._neural = neural
        self._elsewhere = elsewhere
        self._phrases = lexicon.phrases(f"{language}-pt")
        self._patterns = lexicon.patterns(f"{language}-pt")
        self._unknown = UnknownWords(language)
        self._between = lexicon.words(f"{between}-pt") if between else {}
        listed, self._common = lexicon.names()
        self._known = names.known_pattern(list(listed))

    def translate(self, sentences: list[str]) -> list[Rendering]:
        """See Engine. Sentences longer than LONGEST go through in pieces."""
        pieces = [list(cut(stream.clean(sentence))) for sentence in sentences]
        done = iter(self._pieces([piece for parts in pieces for piece in parts]))
        return [together([next(done) for _ in parts]) for parts in pieces]

    def close(self) -> None:
        """Ends Apertium's programs; the next sentence starts them again."""
        self._analyser.close()
        for hop in self._hops:
            hop.close()
        if self._elsewhere is not None:
            self._elsewhere.close()

    def _pieces(self, given: list[str]) -> list[Rendering]:
        lines = [mend.source(line, self.language) for line in given]
        analysed = self._analyser.lines([stream.escape(line) for line in lines])
        jobs = [self._prepare(line, units) for line, units in zip(lines, analysed, strict=True)]
        meant = self._hop(jobs, 0, None)
        if len(self._hops) > 1:
            for job in jobs:
                job.text = job.shield.hide(job.text, self._words_between(job.text))
            self._hop(jobs, 1, meant)
        return [self._into_english(job) for job in jobs]

    def _prepare(self, line: str, analysed: str) -> _Job:
        shield = Shield()
        hidden = shield.hide(line, self._to_hide(line, analysed))
        full_stop = _END.search(line) is None
        return _Job(line, shield, stream.escape(hidden + "." * full_stop), full_stop)

    def _to_hide(self, line: str, analysed: str) -> list[Piece]:
        units = stream.read_units(analysed, line)
        found: list[Piece] = []

        def add(start: int, end: int, text: str, kind: Kind) -> None:
            if not any(piece.start < end and start < piece.end for piece in found):
                found.append(Piece(start, end, text, kind))

        for match in names.OPAQUE.finditer(line):
            add(*match.span(), match.group(), Kind.OPAQUE)
        for match in _AI.finditer(line):
            add(*match.span(), "IA", Kind.WORD)
        phrases = self._phrases_in(line)
        long = [(start, end) for start, end, _ in phrases if " " in line[start:end]]
        for pattern, words in self._patterns:
            for match in pattern.finditer(line):
                for group, expression in enumerate(words, 1):
                    start, end = match.span(group)
                    if start < 0 or _is_part(start, end, long):
                        continue
                    # A capital of its own (`Lunedì`) is none of the expression (`na segunda`).
                    within = start > 0 and " " in expression
                    alike = expression if within else _like(line[start:end], expression)
                    add(start, end, alike, Kind.WORD)
        for start, end, expression in phrases:
            # An expression of several words may hold a name; one word may be (in) a name itself.
            if " " in line[start:end]:
                add(start, end, expression, Kind.WORD)
        for start, end in names.find_names(line, units, self._known, self._unknown.is_word):
            if not self._is_common(line, start, end):
                add(start, end, line[start:end], Kind.NAME)
        for start, end in places.where(line, units, self.language):
            add(start, end, _like(line[start:end], "em"), Kind.WORD)
        for start, end, expression in phrases:
            add(start, end, expression, Kind.WORD)
        for unit in units:
            unknown = unit.unknown and self._elsewhere is None
            word = self._unknown.portuguese(unit.surface, unknown)
            if word is not None:
                add(unit.start, unit.end, _like(unit.surface, word), Kind.WORD)
        return found

    def _phrases_in(self, line: str) -> list[tuple[int, int, str]]:
        if self._phrases is None:
            return []
        return [
            (
                *match.span(),
                _like(
                    match.group(),
                    self._phrases.portuguese[match.group().lower().replace("’", "'")],
                ),
            )
            for match in self._phrases.pattern.finditer(line)
        ]

    def _is_common(self, line: str, start: int, end: int) -> bool:
        if line[start:end].isupper() and self._unknown.has(line[start:end].lower()):
            # An acronym that English writes otherwise.
            return True
        return (
            line[start:end] in self._common
            and start == 0
            and re.match(r"\s(?:d[ei]\w*|per|pour|para)\b", line[end:]) is not None
        )

    def _leftovers(self, portuguese: str, english: str) -> str:
        """The English with the words that the model copied (in quotes it does) done alone."""
        for word in _left_over(portuguese, english):
            alone = self._neural(word).rstrip(".")
            if alone and len(alone.split()) <= 2:
                english = re.sub(rf"\b{re.escape(word)}\b", alone.lower(), english)
        return english

    def _hop(
        self, jobs: list[_Job], number: int, meant: list[list[Meaning]] | None
    ) -> list[list[Meaning]]:
        before = [job.shield.present(job.text) for job in jobs]
        answers, meant = self._hops[number].lines([job.text for job in jobs], meant)
        known = self._known_elsewhere(answers)
        for job, there, answer in zip(jobs, before, answers, strict=True):
            job.text = _unmarked(answer, job.unknown, self._into[number], known)
            for index in sorted(there - job.shield.present(job.text)):
                job.dropped.append(job.shield.pieces[index].text)
        return meant

    def _known_elsewhere(self, answers: list[str]) -> dict[str, str]:
        if self._elsewhere is None:
            return {}
        marked = (match.group(2) or "" for answer in answers for match in _MARKED.finditer(answer))
        # A capital may be a name's; the shortest words are foreign ones (`of`) or letters.
        return self._elsewhere.portuguese(
            word for word in marked if word.isalpha() and word.islower() and len(word) > 2
        )

    def _words_between(self, text: str) -> Iterator[Piece]:
        for match in _WORD.finditer(text):
            portuguese = self._between.get(match.group().lower())
            if portuguese is not None:
                yield Piece(*match.span(), _like(match.group(), portuguese), Kind.WORD)

    def _into_english(self, job: _Job) -> Rendering:
        portuguese = job.shield.agreed(stream.unescape(job.text), agree)
        portuguese = job.shield.show(
            portuguese,
            lambda index, piece: piece.text if piece.kind is Kind.WORD else f"\ue000{index}\ue001",
        )
        portuguese = mend.them(mend.portuguese(portuguese, self.language), job.line)
        portuguese = mend.past(portuguese, job.line, self.language)
        portuguese = mend.impersonal(portuguese, job.line, self.language)
        portuguese = mend.opening(portuguese, job.line)
        kept = {
            index: piece.text
            for index, piece in enumerate(job.shield.pieces)
            if piece.kind is not Kind.WORD
        }
        opaque = frozenset(
            index for index, piece in enumerate(job.shield.pieces) if piece.kind is Kind.OPAQUE
        )
        english, alarms, actions = keep_names(
            unmarked(self._neural), Draft(portuguese, kept, opaque), job.line, list(job.dropped)
        )
        english = mend.english(self._leftovers(portuguese, english))
        listed = [piece.text for piece in job.shield.pieces if piece.kind is Kind.NAME]
        english = mend.numbers(mend.possessives(english, listed), job.line)
        english = mend.accents(mend.opening(english, job.line), job.line)
        if job.full_stop and english.endswith(".") and not english.endswith(".."):
            english = english[:-1]
        unknown = tuple(dict.fromkeys(job.unknown))
        sure = confidence(len(_WORD.findall(job.line)), len(unknown), len(alarms))
        return Rendering(english, sure, unknown, alarms, actions)


def _is_part(start: int, end: int, longer: list[tuple[int, int]]) -> bool:
    return any(
        there <= start and end <= until and end - start < until - there for there, until in longer
    )


def _left_over(portuguese: str, english: str) -> list[str]:
    """Portuguese words that stand in the English as they were."""
    there = {word for word in _WORD.findall(portuguese) if word.islower() and len(word) > 4}
    return [
        word
        for word in dict.fromkeys(_WORD.findall(english))
        if word in there and not simplemma.is_known(word, "en") and simplemma.is_known(word, "pt")
    ]


def _unmarked(text: str, unknown: list[str], language: str, known: Mapping[str, str]) -> str:
    """The stream without Apertium's marks; the marked words are added to `unknown`.

    A word that a hop from `language` into Portuguese did not know is looked up in `known`, or gets
    a Portuguese ending.
    """

    def take(match: re.Match[str]) -> str:
        if match.group(1) is not None:
            return match.group(1)
        word = match.group(2) or ""
        if not word or is_token(word):
            return word
        if word in known:
            return known[word]
        if word not in unknown and not word[0].isupper():
            unknown.append(word)
        return (by_ending(word, language) if word.islower() else None) or word

    return _MARKED.sub(take, text)


def _like(source: str, word: str) -> str:
    return word[:1].upper() + word[1:] if source[:1].isupper() and word[:1].islower() else word
