"""`babelwire tag --lines`: names in plain lines of one language, without the pipeline."""

from collections.abc import Iterable, Iterator
from typing import TypedDict

from spacy.util import minibatch

from agents.tagging.house import House
from agents.tagging.models import recogniser, word_test
from agents.tagging.opinion import WEAK, corrected
from agents.tagging.recognition import recognise
from schemas import EntityType
from streams.settings import Settings

BATCH = 64


class NameInLine(TypedDict):
    """`line[start:end] == text`, counted in code points."""

    text: str
    type: EntityType
    start: int
    end: int


def tag_lines(
    settings: Settings, language: str, lines: Iterable[str]
) -> Iterator[list[NameInLine]]:
    """The names in each line, one list a line, in order; the same recognition as the stage's.

    Each line stands for itself: what is found in it does not depend on the others. A language
    without an installed model gets what the name table finds.
    """
    find = recogniser(settings, language)
    names = House(settings).names()
    is_word = word_test(language)
    for batch in minibatch(lines, BATCH):  # type: ignore[no-untyped-call]
        found = find(batch) if find else [[] for _ in batch]
        for line, spans in zip(batch, found, strict=True):
            if language in WEAK:
                spans = corrected(line, spans, [], names.table, language)
            yield [
                NameInLine(text=line[one.start : one.end], type=one.type, start=one.start,
                           end=one.end)
                for one in recognise(line, spans, names.table, is_word, language,
                                     lambda surface: names.is_denied(surface, language))
            ]  # fmt: skip
