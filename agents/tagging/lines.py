"""`babelwire tag --lines`: names in plain lines of one language, without the pipeline."""

from collections.abc import Iterable, Iterator
from typing import TypedDict

from agents.tagging.models import recogniser, word_test
from agents.tagging.names import table
from agents.tagging.recognition import recognise
from schemas import EntityType
from streams.settings import Settings


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

    A language without an installed model gets what the name table finds.
    """
    find = recogniser(settings, language)
    names = table(settings.names_file)
    is_word = word_test(language)
    for line in lines:
        yield [
            NameInLine(text=line[one.start : one.end], type=one.type, start=one.start, end=one.end)
            for one in recognise(line, find(line) if find else [], names, is_word)
        ]
