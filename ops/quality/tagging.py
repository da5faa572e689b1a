"""Scores names against gold: `python -m ops.quality.tagging [--data ../shared/data] [it fr en es]`.

Span-level exact precision, recall and F1 in percent per type, through the code of
`babelwire tag --lines`: Italian on KIND's WN_dev (tokens joined by spaces, a sentence a line),
French on every tenth article of WiNER 2016-2017 (outermost spans, a paragraph a line), English and
Spanish on some dozens of sentences of our own (`gold/`). Only PER, LOC and ORG are compared. The
same lines in capitals and in small letters are scored too, and the command itself is run on the
lines, to see that it gives the same. The last line is JSON.
"""

import argparse
import json
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

from agents.tagging.lines import tag_lines
from ops.train.corpora import TYPES, Labelled, lines_of, read_bio, read_brat, spaced
from streams.settings import Settings

OWN = Path(__file__).parent / "gold"
MARKED = re.compile(r"\[([^|\]]+)\|([A-Z]+)\]")
CASES: dict[str, Callable[[str], str]] = {"in capitals": str.upper, "in small letters": str.lower}

Found = list[dict[str, Any]]


def italian(data: Path) -> list[Labelled]:
    """Sentences of WN_dev."""
    return [spaced(sentence) for sentence in read_bio(data / "ner-it" / "WN_dev.tsv")]


def french(data: Path) -> list[Labelled]:
    """Paragraphs of every tenth article of WiNER 2016-2017."""
    articles = [labelled for _, labelled in read_brat(data / "ner-fr")]
    return [line for article in articles[::10] for line in lines_of(article)]


def own(language: str) -> list[Labelled]:
    """Our own sentences."""
    lines = (OWN / f"{language}.txt").read_text(encoding="utf-8").splitlines()
    return [marked(line) for line in lines if not line.startswith("#")]


def marked(line: str) -> Labelled:
    """A sentence whose names are marked as [surface|TYPE], without the marks."""
    text, at = "", 0
    entities = []
    for mark in MARKED.finditer(line):
        text += line[at : mark.start()]
        entities.append((len(text), len(text) + len(mark[1]), mark[2]))
        text += mark[1]
        at = mark.end()
    return Labelled(text + line[at:], tuple(entities))


CORPORA: dict[str, Callable[[Path], list[Labelled]]] = {
    "it": italian,
    "fr": french,
    "en": lambda data: own("en"),
    "es": lambda data: own("es"),
}


def scores(gold: Sequence[Labelled], found: Iterable[Found]) -> dict[str, dict[str, float]]:
    """Precision, recall, F1 and gold count per type and for all."""
    right: Counter[str] = Counter()
    wanted: Counter[str] = Counter()
    given: Counter[str] = Counter()
    for one, names in zip(gold, found, strict=True):
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


def tagged(language: str, gold: Sequence[Labelled]) -> Iterator[Found]:
    """What the library finds."""
    for names in tag_lines(Settings(), language, (one.text for one in gold)):
        yield [dict(name) for name in names]


def by_command(language: str, gold: Sequence[Labelled]) -> list[Found]:
    """What `babelwire tag --lines` finds."""
    done = subprocess.run(
        [sys.executable, "-m", "agents.cli", "tag", "--lines", "--language", language],
        input="".join(one.text + "\n" for one in gold),
        capture_output=True,
        encoding="utf-8",
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def recased(gold: Iterable[Labelled], change: Callable[[str], str]) -> list[Labelled]:
    """The lines in other letters, but for those whose length that changes."""
    return [
        Labelled(change(one.text), one.entities)
        for one in gold
        if len(change(one.text)) == len(one.text)
    ]


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("languages", nargs="*", default=list(CORPORA))
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args()
    result = {}
    sys.stdout.write("language type   P     R     F1    gold\n")
    for language in given.languages:
        gold = CORPORA[language](given.data)
        found = list(tagged(language, gold))
        result[language] = {"as written": scores(gold, found)}
        for kind, row in result[language]["as written"].items():
            sys.stdout.write(
                f"{language:8} {kind:4} {row['p']:5} {row['r']:5} {row['f']:5} {row['gold']:7}\n"
            )
        same = by_command(language, gold) == found
        sys.stdout.write(
            f"{language:8} babelwire tag --lines: {'the same' if same else 'NOT THE SAME'}\n"
        )
        for case, change in CASES.items():
            lines = recased(gold, change)
            result[language][case] = scores(lines, tagged(language, lines))
            sys.stdout.write(f"{language:8} {case}: {result[language][case]['all']['f']}\n")
        if not same:
            raise SystemExit("the command and the library differ")
    sys.stdout.write(json.dumps(result) + "\n")


if __name__ == "__main__":
    main()
