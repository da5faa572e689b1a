"""Reads the NER corpora that training and scoring use. They are never copied into the project."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TYPES = ("PER", "LOC", "ORG")
OPENS = set("([{«“‘")
CLOSES = set(")]}»”,.;:!?…%")


@dataclass(frozen=True)
class Sentence:
    """Tokens and the entities among them as (first token, one past the last, type)."""

    tokens: tuple[str, ...]
    entities: tuple[tuple[int, int, str], ...]


@dataclass(frozen=True)
class Labelled:
    """A text with its entities as (start, end, type) in code points."""

    text: str
    entities: tuple[tuple[int, int, str], ...]


def read_bio(path: Path, token_column: int = 0) -> list[Sentence]:
    """A corpus of tab-separated token and BIO tag, blank line between sentences. Other types than
    PER, LOC, ORG are dropped."""
    sentences: list[Sentence] = []
    rows: list[tuple[str, str]] = []
    for line in [*path.read_text(encoding="utf-8").splitlines(), ""]:
        cells = line.split("\t")
        if len(cells) > token_column + 1:
            rows.append((cells[token_column], cells[token_column + 1].strip()))
        elif rows:
            sentences.append(_sentence(rows))
            rows = []
    return sentences


def _sentence(rows: list[tuple[str, str]]) -> Sentence:
    entities: list[tuple[int, int, str]] = []
    for number, (_, tag) in enumerate(rows):
        kind = tag[2:]
        goes_on = tag[:2] == "I-" and bool(entities) and entities[-1][1:] == (number, kind)
        if goes_on:
            entities[-1] = (entities[-1][0], number + 1, kind)
        elif kind:
            entities.append((number, number + 1, kind))
    return Sentence(
        tuple(token for token, _ in rows), tuple(found for found in entities if found[2] in TYPES)
    )


def spaced(sentence: Sentence) -> Labelled:
    """The sentence as its tokens joined by single spaces: the form in which it is scored."""
    return _joined(sentence, [" "] * len(sentence.tokens))


def written(sentence: Sentence) -> Labelled:
    """The sentence as a newspaper writes it: no space after an apostrophe or before a comma."""
    gaps = []
    inside = False
    for number, token in enumerate(sentence.tokens):
        following = sentence.tokens[number + 1 : number + 2]
        glued = token[-1:] in "'’" and len(token) > 1
        glued = glued or token in OPENS
        if token == '"':
            inside = not inside
            glued = glued or inside
        if following:
            glued = glued or following[0][:1] in CLOSES or (following[0] == '"' and inside)
        gaps.append("" if glued else " ")
    return _joined(sentence, gaps)


def _joined(sentence: Sentence, gaps: list[str]) -> Labelled:
    starts, ends, parts, at = [], [], [], 0
    for token, gap in zip(sentence.tokens, gaps, strict=True):
        starts.append(at)
        ends.append(at + len(token))
        parts += [token, gap]
        at += len(token) + len(gap)
    return Labelled(
        "".join(parts).rstrip(" "),
        tuple((starts[first], ends[last - 1], kind) for first, last, kind in sentence.entities),
    )


BRAT_TYPES = {"Person": "PER", "Location": "LOC", "Organization": "ORG"}


def read_brat(folder: Path, products: bool = False) -> Iterator[tuple[Path, Labelled]]:
    """Every article of a BRAT standoff corpus (NNN.txt beside NNN.ann) in order of its path, with
    its outermost persons, locations and organisations, and products if wanted. Scoring never wants
    them, so that what is outermost does not depend on them."""
    types = BRAT_TYPES | ({"Product": "PRODUCT"} if products else {})
    for annotation in sorted(folder.rglob("*.ann")):
        text = annotation.with_suffix(".txt").read_text(encoding="utf-8")
        spans: list[tuple[int, int, str]] = []
        for line in annotation.read_text(encoding="utf-8").splitlines():
            cells = line.split("\t")
            if not line.startswith("T") or len(cells) < 3 or ";" in cells[1]:
                continue
            kind, start, end = cells[1].split()
            if kind in types and text[int(start) : int(end)] == cells[2]:
                spans.append((int(start), int(end), types[kind]))
        outer = [
            span
            for span in spans
            if not any(
                other != span and other[0] <= span[0] and span[1] <= other[1] for other in spans
            )
        ]
        yield annotation, Labelled(text, tuple(sorted(set(outer))))


def lines_of(article: Labelled) -> Iterator[Labelled]:
    """The article line by line, with the entities that lie within a line."""
    at = 0
    for line in article.text.split("\n"):
        end = at + len(line)
        inside = [(a - at, b - at, kind) for a, b, kind in article.entities if at <= a and b <= end]
        if line.strip():
            yield Labelled(line, tuple(inside))
        at = end + 1
