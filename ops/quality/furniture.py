"""How well page furniture is told from the article, on whole web pages copied as text.

Reads a file of JSON lines, one page a line, with `url`, `language`, `text` (and `html` where it is
known), `keep` (strings of the article) and `drop` (strings of the page around it). Prints, per
language and over all, the share of keeps that are kept, the share of drops that are removed and
their harmonic mean, for

- `ours`: the classifier trained on the other sites' pages, every site being left out once;
- `shipped`: the classifier as it is shipped, which has seen these very pages;
- `rules`: the rules alone, whose thresholds and cue phrases were set while looking at these pages;
- `trafilatura`, on the pages that come with their HTML;
- `justext`, given the HTML, or the lines as paragraphs: a heuristic on length and function words;
- `keep all`.

    python -m ops.quality.furniture [--show] [--folds 14] [PATH]
"""

import argparse
import html
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import justext
import trafilatura

from agents.normalization.agent import VERSION
from agents.normalization.article import normalize
from agents.normalization.features import NAMES, Numbers
from agents.normalization.forest import shipped
from agents.normalization.language import load_detector
from agents.normalization.pages import Classifier
from ops.train.furniture import PAGES, LabelsDoNotFit, grow, labelled, read_pages
from schemas import RawArticle, Unprocessable

Page = Mapping[str, Any]
Clean = Callable[[Page], str]

_STOPLISTS: Final = {
    "it": "Italian",
    "fr": "French",
    "es": "Spanish",
    "pt": "Portuguese",
    "en": "English",
}


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
            f"{name:<16} keep recall {keep:.3f} ({self.kept}/{self.keeps})  "
            f"drop recall {drop:.3f} ({self.dropped}/{self.drops})  harmonic mean {mean:.3f}"
        )


class RulesAlone:
    """A classifier that has no opinion of its own."""

    def article_share(self, lines: Numbers) -> Numbers:
        """1 for the lines that the rules chose."""
        return lines[:, NAMES.index("in_run")]


def measure(pages: Iterable[Page], clean: Clean, miss: Callable[[str], None]) -> dict[str, Score]:
    """Scores by language, and under `all`; each string on the wrong side is told to `miss`."""
    scores: dict[str, Score] = defaultdict(Score)
    for page in pages:
        text = _flat(clean(page))
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


def cross_validated(pages: Sequence[Page], folds: int) -> dict[str, Classifier]:
    """For the address of each page a classifier that was trained on other sites alone."""
    training = labelled(pages)
    sites = sorted({site(page["url"]) for page in pages})
    found: dict[str, Classifier] = {}
    for fold in range(folds):
        left_out = set(sites[fold::folds])
        forest = grow([page for page in training if site(page.url) not in left_out])
        found |= {page["url"]: forest for page in pages if site(page["url"]) in left_out}
    return found


def site(url: str) -> str:
    """The host of an address, without what stands before the name; the address where it has none.

    >>> site("https://www.example.org/a"), site("https://web.archive.org/web/1/http://b.org/c")
    ('example.org', 'b.org')
    """
    archived = url.rpartition("/http")[2]
    host = urlsplit(url if archived == url else "http" + archived).hostname
    return host.removeprefix("www.") if host else url


def by_trafilatura(page: Page) -> str:
    """The article as trafilatura sees it."""
    return trafilatura.extract(str(page["html"]), include_comments=False) or ""


def by_justext(page: Page) -> str:
    """The article as jusText sees it, with its list of the language's function words."""
    stoplist = justext.get_stoplist(_STOPLISTS[page["language"]])
    parts = justext.justext(_markup(page).encode(), stoplist, encoding="utf-8")
    return "\n".join(part.text for part in parts if not part.is_boilerplate)


def keep_all(page: Page) -> str:
    """The whole page."""
    return str(page["text"])


def main() -> int:
    """Runs the measure; 0 when done, 2 when the pages are not there."""
    parser = argparse.ArgumentParser(description="Measure the removal of page furniture.")
    parser.add_argument("path", nargs="?", type=Path, default=PAGES, help="pages as JSON lines")
    parser.add_argument("--show", action="store_true", help="list the strings on the wrong side")
    parser.add_argument("--folds", type=int, default=14, help="parts of the cross-validation")
    options = parser.parse_args()
    if not options.path.is_file():
        sys.stderr.write(f"no pages at {options.path}; name the file of pages as the argument\n")
        return 2
    pages = read_pages(options.path)
    detect = load_detector()

    def ours(classifier_of: Callable[[Page], Classifier]) -> Clean:
        def clean(page: Page) -> str:
            raw = RawArticle(body=page["text"], content_type="text/plain")
            try:
                found = normalize(raw, VERSION, detect, classifier_of(page))
            except Unprocessable:
                return ""
            return f"{found.title or ''}\n{found.text}"

        return clean

    known = [page for page in pages if "html" in page]
    ways: list[tuple[str, Clean]] = [
        ("shipped", ours(lambda _: shipped())),
        ("rules", ours(lambda _: RulesAlone())),
        ("trafilatura", by_trafilatura),
        ("justext", by_justext),
        ("keep all", keep_all),
    ]
    try:
        trained = cross_validated(pages, options.folds)
    except LabelsDoNotFit as fault:
        _say(f"no cross-validation: {fault}")
    else:
        ways.insert(0, ("ours", ours(lambda page: trained[page["url"]])))
    _say(f"{len(pages)} pages, {len(known)} of them with their HTML, {options.folds} folds by site")
    for at, (name, clean) in enumerate(ways):
        scored = known if clean is by_trafilatura else pages
        scores = measure(scored, clean, _say if options.show and at == 0 else _ignore)
        for language in sorted(scores, key=lambda code: (code == "all", code)):
            _say(scores[language].line(f"{name} {language}"))
    return 0


def _markup(page: Page) -> str:
    if "html" in page:
        return str(page["html"])
    lines = "".join(f"<p>{html.escape(line)}</p>\n" for line in page["text"].split("\n"))
    return f"<html><body>{lines}</body></html>"


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def _ignore(_: str) -> None:
    """Told of a miss that nobody asked to see."""


def _flat(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    sys.exit(main())
