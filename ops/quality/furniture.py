"""How well page furniture is told from the article, on whole web pages copied as text.

Reads a file of JSON lines, one page a line, with `language`, `text`, `keep` (strings of the
article) and `drop` (strings of the page around it). Prints, per language and over all, the share
of keeps that are kept, the share of drops that are removed and their harmonic mean, and the same
for the baseline that keeps everything.

    python -m ops.quality.furniture [--show] [PATH]
"""

import argparse
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from agents.normalization.agent import load
from schemas import RawArticle, Unprocessable
from streams.settings import Settings

PAGES = Path(__file__).parents[2].parent / "shared" / "data" / "furniture" / "pages.jsonl"

Clean = Callable[[str], str]


@dataclass
class Score:
    """Strings counted so far."""

    keeps: int = 0
    kept: int = 0
    drops: int = 0
    dropped: int = 0

    def line(self, name: str) -> str:
        """The figures as one row."""
        keep = self.kept / self.keeps if self.keeps else 1.0
        drop = self.dropped / self.drops if self.drops else 1.0
        mean = 2 * keep * drop / (keep + drop) if keep + drop else 0.0
        return (
            f"{name:<10} keep recall {keep:.3f} ({self.kept}/{self.keeps})  "
            f"drop recall {drop:.3f} ({self.dropped}/{self.drops})  harmonic mean {mean:.3f}"
        )


def measure(
    pages: Iterable[dict[str, Any]], clean: Clean, miss: Callable[[str], None]
) -> dict[str, Score]:
    """Scores by language, and under `all`; each string on the wrong side is told to `miss`."""
    scores: dict[str, Score] = defaultdict(Score)
    for page in pages:
        text = _flat(clean(page["text"]))
        for score in (scores[page["language"]], scores["all"]):
            score.keeps += len(page["keep"])
            score.drops += len(page["drop"])
            score.kept += sum(_flat(wanted) in text for wanted in page["keep"])
            score.dropped += sum(_flat(furniture) not in text for furniture in page["drop"])
        for wanted in page["keep"]:
            if _flat(wanted) not in text:
                miss(f"lost  {page['url']}: {wanted}")
        for furniture in page["drop"]:
            if _flat(furniture) in text:
                miss(f"stays {page['url']}: {furniture}")
    return scores


def main() -> int:
    """Runs the measure; 0 when done, 2 when the pages are not there."""
    parser = argparse.ArgumentParser(description="Measure the removal of page furniture.")
    parser.add_argument("path", nargs="?", type=Path, default=PAGES, help="pages as JSON lines")
    parser.add_argument("--show", action="store_true", help="list the strings on the wrong side")
    options = parser.parse_args()
    if not options.path.is_file():
        sys.stderr.write(f"no pages at {options.path}; name the file of pages as the argument\n")
        return 2
    pages = [orjson.loads(line) for line in options.path.read_bytes().splitlines()]
    normalize = load(Settings())

    def article(text: str) -> str:
        try:
            found = normalize(RawArticle(body=text, content_type="text/plain"))
        except Unprocessable:
            return ""
        return f"{found.title or ''}\n{found.text}"

    scores = measure(pages, article, _say if options.show else _ignore)
    for name in sorted(scores, key=lambda code: (code == "all", code)):
        _say(scores[name].line(name))
    _say(measure(pages, str, _ignore)["all"].line("keep all"))
    return 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _ignore(_: str) -> None:
    """Told of a miss that nobody asked to see."""


def _flat(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
