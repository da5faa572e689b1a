"""Measures translation into English: `python -m ops.quality.translation --language it`.

Quality is BLEU and chrF (sacrebleu's defaults) against the references of news test sets; speed is
source characters per second of CPU time, this process and Apertium's programs together, so one
core's worth whatever else the machine does. The last line is the same as JSON.
"""

import argparse
import json
import re
import resource
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import sacrebleu
from rich.console import Console
from rich.table import Table

from agents.translation.engines import Engine, Rendering
from agents.translation.guards import lost_numbers
from agents.translation.routes import choose, ways
from streams.settings import Settings

SETS: Final = {
    "it": ("ita-eng", "newstest2009", "ita"),
    "fr": ("fra-eng", "newstest2013", "fra"),
    "es": ("spa-eng", "newstest2013", "spa"),
}
BATCH: Final = 25

_WORD = re.compile(r"[^\W\d_]+(?:[-'’][^\W\d_]+)*")
_CAPITALISED = re.compile(r"(?<![.!?:«“\"(\w] )(?<!^)\b[A-Z]\w*[a-z]\w*\b")


@dataclass(frozen=True)
class Figures:
    """What was measured; shares in 0..1."""

    language: str
    engine: str
    route: str
    lines: int
    bleu: float
    chrf: float
    characters_per_second: float
    names_kept: float
    numbers_kept: float
    unknown_words: float
    alarms: float


def measure(engine: Engine, language: str, sources: list[str], references: list[str]) -> Figures:
    """Translates the lines and compares them with their references.

    A name is a capitalised word within the source line that the reference has too.
    """
    before = _cpu_seconds()
    done: list[Rendering] = []
    for at in range(0, len(sources), BATCH):
        done += engine.translate(sources[at : at + BATCH])
    _close(engine)
    seconds = _cpu_seconds() - before
    english = [rendering.text for rendering in done]
    names = names_found = numbers = numbers_lost = 0
    for source, reference, text in zip(sources, references, english, strict=True):
        for name in set(_CAPITALISED.findall(source)) & set(_WORD.findall(reference)):
            names += 1
            names_found += name in text
        numbers += len(re.findall(r"\d+(?:[.,]\d+)*", source))
        numbers_lost += len(lost_numbers(source, text))
    notes = [note for rendering in done for note in rendering.notes]
    unknown = sum(note.startswith("unknown: ") for note in notes)
    alarmed = sum(
        any(note.startswith(("repetition", "text", "name", "number", "largely")) for note in each)
        for each in (rendering.notes for rendering in done)
    )
    return Figures(
        language=language,
        engine=engine.name,
        route=engine.route,
        lines=len(sources),
        bleu=round(sacrebleu.corpus_bleu(english, [references]).score, 2),
        chrf=round(sacrebleu.corpus_chrf(english, [references]).score, 2),
        characters_per_second=round(sum(map(len, sources)) / seconds),
        names_kept=round(names_found / max(names, 1), 4),
        numbers_kept=round(1 - numbers_lost / max(numbers, 1), 4),
        unknown_words=round(unknown / max(sum(len(_WORD.findall(s)) for s in sources), 1), 4),
        alarms=round(alarmed / max(len(sources), 1), 4),
    )


def main(arguments: list[str] | None = None) -> int:
    """Prints a table and, last, a line of JSON. Gives 2 where the data or an engine is missing."""
    parser = argparse.ArgumentParser(prog="python -m ops.quality.translation", description=__doc__)
    parser.add_argument("--language", choices=sorted(SETS), required=True)
    parser.add_argument("--lines", type=int, default=600, help="how many lines (default 600)")
    parser.add_argument("--skip", type=int, default=0, help="lines left out first (default 0)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    given = parser.parse_args(arguments)
    folder, name, suffix = SETS[given.language]
    base = given.data / "mt" / folder
    try:
        sources = _lines(base / f"{name}.{suffix}", given.skip, given.lines)
        references = _lines(base / f"{name}.eng", given.skip, given.lines)
    except OSError as fault:
        print(f"{fault}; give the folder that holds mt/ with --data", file=sys.stderr)  # noqa: T201
        return 2
    engine = choose(ways(Settings()), given.language)
    if engine.quality == "none":
        print(engine.translate([""])[0].notes[0], file=sys.stderr)  # noqa: T201
        return 2
    figures = asdict(measure(engine, given.language, sources, references))
    table = Table("figure", "value", title=f"{name} {given.language}>en, lines from {given.skip}")
    for figure, value in figures.items():
        table.add_row(figure.replace("_", " "), str(value))
    Console().print(table)
    print(json.dumps(figures))  # noqa: T201
    return 0


def _lines(path: Path, skip: int, count: int) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()[skip : skip + count]


def _close(engine: Engine) -> None:
    """Ends an engine's programs: the kernel adds up a child's CPU time only when it has ended."""
    close = getattr(engine, "close", None)
    if close is not None:
        close()


def _cpu_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


if __name__ == "__main__":
    sys.exit(main())
