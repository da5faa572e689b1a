"""Scores names against gold: `python -m ops.quality.tagging [--data ../shared/data] [it fr]`.

Span-level exact precision, recall and F1 in percent per type, through the code of
`babelwire tag --lines`: Italian on KIND's WN_dev (tokens joined by spaces, a sentence a line),
French on every tenth article of WiNER 2016-2017 (outermost spans, a paragraph a line). Only
PER, LOC and ORG are compared. The last line is JSON.
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from agents.tagging.lines import tag_lines
from ops.train.corpora import TYPES, Labelled, read_bio, read_brat, spaced
from streams.settings import Settings


def italian(data: Path) -> list[Labelled]:
    """Sentences of WN_dev."""
    return [spaced(sentence) for sentence in read_bio(data / "ner-it" / "WN_dev.tsv")]


def french(data: Path) -> list[Labelled]:
    """Paragraphs of every tenth article of WiNER 2016-2017."""
    articles = [labelled for _, labelled in read_brat(data / "ner-fr")]
    return [line for article in articles[::10] for line in lines_of(article)]


def lines_of(article: Labelled) -> Iterator[Labelled]:
    """The article line by line, with the entities that lie within a line."""
    at = 0
    for line in article.text.split("\n"):
        end = at + len(line)
        inside = [(a - at, b - at, kind) for a, b, kind in article.entities if at <= a and b <= end]
        if line.strip():
            yield Labelled(line, tuple(inside))
        at = end + 1


CORPORA = {"it": italian, "fr": french}


def scores(language: str, gold: Iterable[Labelled]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and gold count per type and for all."""
    texts = list(gold)
    right: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    given: Counter[str] = Counter()
    found = tag_lines(Settings(), language, (one.text for one in texts))
    for one, names in zip(texts, found, strict=True):
        true = set(one.entities)
        said = {(n["start"], n["end"], str(n["type"])) for n in names if n["type"] in TYPES}
        for counts, spans in ((wanted, true), (given, said), (right, true & said)):
            counts.update(kind for _, _, kind in spans)
            counts["all"] += len(spans)
    return {
        kind: {
            "p": round(100 * right[kind] / max(1, given[kind]), 1),
            "r": round(100 * right[kind] / max(1, wanted[kind]), 1),
            "f": round(200 * right[kind] / max(1, given[kind] + wanted[kind]), 1),
            "gold": wanted[kind],
        }
        for kind in ("all", *TYPES)
    }


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=list(CORPORA))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args()
    result = {}
    sys.stdout.write("language type   P     R     F1    gold\n")
    for language in given.languages:
        result[language] = scores(language, CORPORA[language](given.data))
        for kind, row in result[language].items():
            sys.stdout.write(
                f"{language:8} {kind:4} {row['p']:5} {row['r']:5} {row['f']:5} {row['gold']:7}\n"
            )
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
