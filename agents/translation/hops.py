"""One hop of the rules, taken apart where knowing more helps.

A mode is analysis, disambiguation, dictionary, transfer, generation. Two places are worth stepping
in. After the analysis of a second hop: its text was made by the first, which knew for every word
what it is, and generation threw that away (Catalan `dona` is `woman` or `gives`); the analyses are
cut down to what the first hop meant. And after the dictionary: our own entries go over it, by
lemma, so that every form and its agreement come out right.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from agents.translation.apertium import Pipeline
from agents.translation.lexicon import Glossary
from agents.translation.portuguese import inflect

# How far apart in a sentence the same word may stand in the first hop's units and in its text.
_BEHIND, _AHEAD = 4, 9

# A reading must match better than this (of 20, less 2 for each word that it stands away).
_SURE = 9

_UNIT = re.compile(r"\^((?:[^\\^$]|\\.)*)\$")
_READING = re.compile(r"(?:[^\\/]|\\.)+")
_THOU = re.compile(r"<p2>(?:<mf>|<m>|<f>)?<sg>")
_THOU_VERB = re.compile(r"<vblex>[^/]*<p2>(?:<mf>|<m>|<f>)?<sg>")
# An article at the start of a line and what it may be the article of; `gli` anywhere.
_OPENING_ARTICLE = re.compile(
    r"^((?:[^\\^]|\\.)*\^(?:La|Lo|Le|Gli|L')/)([^$]*)(\$ ?\^[^$]*<(?:n|adj)>)"
)
# And right after a hidden word, which is a preposition as often as not.
_HIDDEN_ARTICLE = re.compile(
    r"(\^[^/$]*/\*xq\w+\$ \^(?:la|lo|le|l')/)([^$]*)(\$ ?\^[^$]*<(?:n|adj)>)", re.IGNORECASE
)
_GLI = re.compile(r"(\^[Gg]li/)([^$]*)(\$ ?\^[^$]*(?:<n><m>|<adj><mf?>)<pl>)")
_TAG = re.compile(r"<([^<>]*)>")
_GENDER = re.compile(r"<(?:m|f|mf)>")
# What these are, the second hop's own disambiguation knows better: clitics and prepositions, two
# verbs with the same participle.
_LEFT_ALONE = frozenset(("en", "estat", "estada", "estats", "estades"))
_INVARIABLE = frozenset(("adv", "cnjadv", "cnjsub", "cnjcoo", "pr"))
# The same tag by another name in another pair.
_SAME = {"vbhaver": "vaux", "vbmod": "vblex", "vbser": "vblex"}


@dataclass(frozen=True)
class Meaning:
    """What a hop meant by a word it wrote: the lemma and what it knew of its form."""

    lemma: str
    tags: frozenset[str]


class Hop:
    """One pair's pipeline."""

    def __init__(self, stages: list[list[str]], glossary: Glossary) -> None:
        stages = _looked_up_first(stages)
        transfer = next(at for at, stage in enumerate(stages) if stage[0] == "apertium-transfer")
        generator = next(
            at for at, stage in enumerate(stages) if at > transfer and stage[0] == "lt-proc"
        )
        self._analysis = Pipeline(stages[:1])
        self._dictionary = Pipeline(stages[1:transfer])
        self._transfer = Pipeline(stages[transfer:generator])
        self._generation = Pipeline(stages[generator:])
        self._glossary = glossary
        # Lemmas that the generator does not have, as what they are not: it may know `certo` as a
        # determiner.
        self._formed_here = {
            (entry.lemma, tag) for (_, tag), entry in glossary.items() if entry.formed_here
        }

    def lines(
        self, streams: list[str], meant: list[list[Meaning]] | None = None
    ) -> tuple[list[str], list[list[Meaning]]]:
        """Escaped lines to escaped lines of the other language, and what was meant by them.

        `meant` is what the hop that wrote the lines meant. A line of which nothing can be had
        comes back empty.
        """
        analysed = self._analysis.lines(streams)
        if meant is None:
            analysed = [as_news(line) for line in analysed]
        else:
            analysed = [pinned(line, known) for line, known in zip(analysed, meant, strict=True)]
        looked_up = [self._with_own(line) for line in self._dictionary.lines(analysed)]
        transferred = self._transfer.lines(looked_up)
        ready = [self._with_own_forms(line) for line in transferred]
        return self._generation.lines(ready), [meanings(line) for line in transferred]

    def close(self) -> None:
        """Ends the programs; the next line starts them again."""
        for pipeline in (self._analysis, self._dictionary, self._transfer, self._generation):
            pipeline.close()

    def _with_own(self, line: str) -> str:
        return _UNIT.sub(self._own, line) if self._glossary else line

    def _own(self, unit: re.Match[str]) -> str:
        source, slash, target = unit.group(1).partition("/")
        head, bracket, tags = source.partition("<")
        own = self._glossary.get((head.lower(), tags.partition(">")[0])) if bracket else None
        if own is None or not slash:
            return unit.group()
        lemma, gender = own.lemma, own.gender
        _, opening, rest = target.partition("/")[0].partition("<")
        form = opening + rest
        if gender:
            form = _GENDER.sub(f"<{gender}>", form, count=1)
        return f"^{source}/{lemma.capitalize() if head[:1].isupper() else lemma}{form}$"

    def _with_own_forms(self, line: str) -> str:
        return _UNIT.sub(self._own_form, line) if self._formed_here else line

    def _own_form(self, unit: re.Match[str]) -> str:
        head, _, tags = unit.group(1).partition("<")
        if (head.lower(), tags.partition(">")[0]) not in self._formed_here or "+" in tags:
            return unit.group()
        form = inflect(head.lower(), _TAG.findall("<" + tags))
        return form.capitalize() if head[:1].isupper() else form


def meanings(transferred: str) -> list[Meaning]:
    """The words of a line between transfer and generation."""
    return [
        meaning
        for unit in _UNIT.finditer(transferred)
        for part in unit.group(1).split("+")
        if "<" in part
        for meaning in _meaning(part)
    ]


def _meaning(part: str) -> Iterator[Meaning]:
    lemma = _lemma(part)
    tags = frozenset(_SAME.get(tag, tag) for tag in _TAG.findall(part))
    first, space, _ = lemma.partition(" ")
    if space and tags <= _INVARIABLE:
        # The next hop may not know the expression: its first word is then no verb or noun.
        yield Meaning(first, frozenset(("adv", "pr")))
    yield Meaning(lemma, tags)


def as_news(analysed: str) -> str:
    """The analysed line without readings that news hardly ever means, where there are others.

    Those are pronouns where an article may stand, and verbs in the second person singular: many a
    noun looks like one (`gli accordi`). A line with a word that can be nothing else says `thou`
    and keeps its verbs.
    """
    for articles in (_GLI, _OPENING_ARTICLE, _HIDDEN_ARTICLE):
        analysed = articles.sub(_as_article, analysed)
    units = [_READING.findall(unit)[1:] for unit in _UNIT.findall(analysed)]
    if any(readings and all(map(_THOU.search, readings)) for readings in units):
        return analysed

    def told(unit: re.Match[str]) -> str:
        surface, *readings = _READING.findall(unit.group(1))
        kept = [reading for reading in readings if not _THOU_VERB.search(reading)]
        if not kept or len(kept) == len(readings):
            return unit.group()
        return f"^{'/'.join([surface, *kept])}$"

    return _UNIT.sub(told, analysed)


def _as_article(opening: re.Match[str]) -> str:
    """`La procura ritiene`: no pronoun before what may be a noun."""
    start, readings, noun = opening.groups()
    articles = [reading for reading in _READING.findall(readings) if "<det>" in reading]
    return f"{start}{'/'.join(articles) or readings}{noun}"


def pinned(analysed: str, meant: list[Meaning]) -> str:
    """The analysed line with only those readings that are what was meant, where any is."""
    at = 0

    def pin(unit: re.Match[str]) -> str:
        nonlocal at
        surface, *readings = _READING.findall(unit.group(1))
        if surface.lower() in _LEFT_ALONE:
            return unit.group()
        best, place, kept = _SURE, at, readings
        for reading in readings:
            found = _best(reading, meant, at)
            if found is None:
                continue
            if found[0] > best:
                best, place, kept = found[0], found[1], [reading]
            elif found[0] == best:
                kept = [*kept, reading]
        if best > _SURE:
            at = place + 1
        return unit.group() if len(kept) == len(readings) else f"^{'/'.join([surface, *kept])}$"

    return _UNIT.sub(pin, analysed)


def _best(reading: str, meant: list[Meaning], at: int) -> tuple[int, int] | None:
    head = reading.split("+")[0]
    lemma = _lemma(head)
    tags = {_SAME.get(tag, tag) for tag in _TAG.findall(head)}
    scores = [
        (20 * len(tags & there) // len(tags | there) - 2 * abs(place - at), place)
        for place in range(max(0, at - _BEHIND), min(len(meant), at + _AHEAD))
        if meant[place].lemma == lemma and tags & (there := meant[place].tags)
    ]
    return max(scores) if scores else None


def _lemma(part: str) -> str:
    return part.partition("<")[0].lower()


def _looked_up_first(stages: list[list[str]]) -> list[list[str]]:
    """The stages with the dictionary as a program of its own, where the transfer reads it itself.

    `apertium-transfer RULES PREPROCESSED DICTIONARY` is `lt-proc -b DICTIONARY` and then
    `apertium-transfer -b RULES PREPROCESSED`.
    """
    apart = []
    for stage in stages:
        if stage[0] == "apertium-transfer" and not {"-b", "-n"} & set(stage):
            *rules, dictionary = stage[1:]
            apart += [["lt-proc", "-z", "-b", dictionary], [stage[0], "-b", *rules]]
        else:
            apart.append(stage)
    return apart
