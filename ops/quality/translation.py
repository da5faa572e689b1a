"""Measures translation into English: `python -m ops.quality.translation it fr es`.

Quality is BLEU and chrF (sacrebleu's defaults) against the references of news test sets; speed is
source characters per second of CPU time, this process and Apertium's programs together, so one
core's worth whatever else the machine does. Every route that is installed is measured by itself,
and `best` is what an article gets: the best of them, with the others as second opinions.

With --record each result is added, with the commit it was measured at, to a file that the
repository keeps; the table shows the last result there of the same lines beside the new one, so
that a regression shows.
"""

import argparse
import json
import re
import resource
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

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
_CAPITALISED = re.compile(r"(?<![.!?:«“\"(] )(?<!^)(?<![«“\"(])\b[A-Z]\w*[a-z]\w*\b")


@dataclass(frozen=True)
class Figures:
    """What was measured; shares in 0..1. `alarms` counts sentences by what the guards see wrong
    with them, `retried` those that were tried again in any way."""

    language: str
    route: str
    first_line: int
    lines: int
    bleu: float
    chrf: float
    characters_per_second: float
    names_kept: float
    numbers_kept: float
    unknown_words: float
    retried: float
    alarms: dict[str, int]


def measure(
    engine: Engine, language: str, route: str, first: int, sources: list[str], references: list[str]
) -> Figures:
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
    unknown = sum(len(rendering.unknown) for rendering in done)
    kinds = Counter(
        kind
        for rendering in done
        for kind in {alarm.partition(":")[0] for alarm in rendering.alarms}
    )
    return Figures(
        language=language,
        route=route,
        first_line=first + 1,
        lines=len(sources),
        bleu=round(sacrebleu.corpus_bleu(english, [references]).score, 2),
        chrf=round(sacrebleu.corpus_chrf(english, [references]).score, 2),
        characters_per_second=round(sum(map(len, sources)) / seconds),
        names_kept=round(names_found / max(names, 1), 4),
        numbers_kept=round(1 - numbers_lost / max(numbers, 1), 4),
        unknown_words=round(unknown / max(sum(len(_WORD.findall(s)) for s in sources), 1), 4),
        retried=round(sum(bool(each.actions) for each in done) / max(len(sources), 1), 4),
        alarms=dict(sorted(kinds.items())),
    )


def main(arguments: list[str] | None = None) -> int:
    """Prints a table. Gives 2 where the data or an engine is missing."""
    parser = argparse.ArgumentParser(prog="python -m ops.quality.translation", description=__doc__)
    parser.add_argument("languages", nargs="+", metavar="LANGUAGE", help=", ".join(sorted(SETS)))
    parser.add_argument("--lines", type=int, default=400, help="how many lines (default 400)")
    parser.add_argument("--skip", type=int, default=2100, help="lines left out (default 2100)")
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--best", action="store_true", help="only what an article gets")
    parser.add_argument("--record", type=Path, help="file of JSON lines that keeps the results")
    given = parser.parse_args(arguments)
    unknown = [language for language in given.languages if language not in SETS]
    if unknown:
        parser.error(f"no test set for {', '.join(unknown)}; there are {', '.join(sorted(SETS))}")
    earlier, commit = _recorded(given.record), _commit()
    found: list[Figures] = []
    for language in given.languages:
        folder, name, suffix = SETS[language]
        base = given.data / "mt" / folder
        try:
            sources = _lines(base / f"{name}.{suffix}", given.skip, given.lines)
            references = _lines(base / f"{name}.eng", given.skip, given.lines)
        except OSError as fault:
            print(f"{fault}; give the folder that holds mt/ with --data", file=sys.stderr)  # noqa: T201
            return 2
        engines = _engines(language, best_only=given.best)
        if not engines:
            print(f"no engine for {language}; see `babelwire doctor`", file=sys.stderr)  # noqa: T201
            return 2
        for route, engine in engines.items():
            print(f"{language} {route} …", file=sys.stderr)  # noqa: T201
            found.append(measure(engine, language, route, given.skip, sources, references))
    Console(width=150).print(_table(found, earlier))
    if given.record is not None:
        with given.record.open("a", encoding="utf-8") as file:
            for figures in found:
                file.write(json.dumps({"commit": commit, **asdict(figures)}) + "\n")
    return 0


def _engines(language: str, best_only: bool) -> dict[str, Engine]:
    table = ways(Settings())
    best = choose(table, language)
    if best.capabilities.quality == "none":
        return {}
    engines = {f"best ({best.capabilities.route})": best}
    if not best_only:
        for way in table[language]:
            if way.row.available:
                engines[way.row.capabilities.route] = way.build()
    return engines


def _table(found: list[Figures], earlier: dict[tuple[str, ...], dict[str, Any]]) -> Table:
    table = Table(title="news test sets, into English; in brackets the last recorded result")
    for heading in ("from", "route", "lines", "BLEU", "chrF", "characters/s", "names", "numbers"):
        table.add_column(heading)
    for heading in ("unknown words", "tried again", "alarms"):
        table.add_column(heading)
    for figures in found:
        before = earlier.get(_key(asdict(figures)), {})

        def shown(value: str, name: str, form: str, before: dict[str, Any] = before) -> str:
            return f"{value} ({form.format(before[name])})" if name in before else value

        table.add_row(
            figures.language,
            figures.route,
            f"{figures.first_line}-{figures.first_line + figures.lines - 1}",
            shown(f"{figures.bleu:.1f}", "bleu", "{:.1f}"),
            shown(f"{figures.chrf:.1f}", "chrf", "{:.1f}"),
            shown(f"{figures.characters_per_second:,.0f}", "characters_per_second", "{:,.0f}"),
            shown(f"{figures.names_kept:.1%}", "names_kept", "{:.1%}"),
            f"{figures.numbers_kept:.1%}",
            f"{figures.unknown_words:.1%}",
            f"{figures.retried:.1%}",
            ", ".join(f"{kind} {count}" for kind, count in figures.alarms.items()) or "none",
        )
    return table


def _recorded(path: Path | None) -> dict[tuple[str, ...], dict[str, Any]]:
    if path is None or not path.is_file():
        return {}
    results = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {_key(result): result for result in results}


def _key(result: dict[str, Any]) -> tuple[str, ...]:
    return tuple(str(result[name]) for name in ("language", "route", "first_line", "lines"))


def _commit() -> str:
    """The commit that is measured, with a `+` when the working tree differs from it."""
    git = ["git", "describe", "--always", "--dirty=+", "--exclude=*"]
    done = subprocess.run(git, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


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
