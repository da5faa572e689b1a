"""Grows the forest that tells an article's lines from those of the page around it.

    python -m ops.train.furniture [--pages ../shared/data/furniture/pages.jsonl]

Reads the pages and, in `furniture.tsv` beside this file, which of their lines are the article's;
writes `agents/normalization/data/segments.npz`. The seed is fixed: the same pages give the same
forest. `python -m ops.quality.furniture` says what such a forest is worth on pages that it has not
seen.
"""

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from sklearn.ensemble import ExtraTreesClassifier

from agents.normalization.features import Numbers, features
from agents.normalization.forest import Forest
from agents.normalization.layout import blocks
from agents.normalization.mapped import Mapped
from agents.normalization.pages import read_page_lines, run_of
from agents.normalization.repair import repair

ROOT = Path(__file__).parents[2]
PAGES = ROOT.parent / "shared" / "data" / "furniture" / "pages.jsonl"
LABELS = Path(__file__).parent / "furniture.tsv"
FOREST = ROOT / "agents" / "normalization" / "data" / "segments.npz"
SEED = 20240315
TREES = 100
FEWEST_IN_A_LEAF = 3
# Every page counts the same, and its article as much as what is around it.
WEIGHT_OF_A_SIDE = 10.0


class LabelsDoNotFit(ValueError):
    """The labels were made for other pages."""


@dataclass(frozen=True)
class Page:
    """One page's lines as numbers; `article` is 1 for its article's lines, 0 for others, -1 for
    those that are left out."""

    url: str
    lines: Numbers
    article: NDArray[np.int8]


def read_pages(path: Path) -> list[dict[str, Any]]:
    """The pages of a file of JSON lines."""
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def labelled(pages: Iterable[Mapping[str, Any]], labels: Path = LABELS) -> list[Page]:
    """The pages with their labels, those left out that normalization does not take for a page.

    Raises LabelsDoNotFit for a page that has no labels, or another number of lines.
    """
    known: dict[str, tuple[int, set[int], set[int]]] = {}
    for row in labels.read_text("utf-8").splitlines():
        if row and not row.startswith("#"):
            url, number, inside, unsure = row.split("\t")
            known[url] = (int(number), _numbers(inside), _numbers(unsure))
    found = []
    for page in pages:
        texts = [block.text for block in blocks(repair(Mapped.of(page["text"])))]
        size, article, doubtful = known.get(page["url"], (0, set(), set()))
        if size != len(texts):
            raise LabelsDoNotFit(
                f"{labels.name} has {size} lines for {page['url']}, the page {len(texts)}"
            )
        read = read_page_lines(texts)
        run = None if read is None else run_of(read)
        if read is None or run is None:
            continue
        side = [1 if at in article else -1 if at in doubtful else 0 for at in range(size)]
        found.append(Page(page["url"], features(read, run), np.array(side, dtype=np.int8)))
    return found


def grow(pages: Sequence[Page], trees: int = TREES) -> Forest:
    """A forest from labelled pages."""
    sure = [page.article >= 0 for page in pages]
    rows = np.vstack([page.lines[known] for page, known in zip(pages, sure, strict=True)])
    sides = np.concatenate([page.article[known] for page, known in zip(pages, sure, strict=True)])
    weights = np.concatenate(
        [_weights(page.article[known]) for page, known in zip(pages, sure, strict=True)]
    )
    grown = ExtraTreesClassifier(
        trees, min_samples_leaf=FEWEST_IN_A_LEAF, max_features=0.4, random_state=SEED
    ).fit(rows, sides, sample_weight=weights)
    return _packed([tree.tree_ for tree in grown.estimators_])


def _weights(sides: NDArray[np.int8]) -> NDArray[np.float64]:
    weights = np.zeros(len(sides))
    for side in (0, 1):
        weights[sides == side] = WEIGHT_OF_A_SIDE / max((sides == side).sum(), 1)
    return weights


def _packed(trees: Sequence[Any]) -> Forest:
    starts = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])
    leaf = np.concatenate([tree.children_left < 0 for tree in trees])
    share = np.concatenate([tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1) for tree in trees])

    def joined(name: str) -> NDArray[Any]:
        return np.concatenate([getattr(tree, name) for tree in trees])

    def children(name: str) -> NDArray[np.int32]:
        moved = [getattr(tree, name) + start for tree, start in zip(trees, starts, strict=True)]
        return np.where(leaf, 0, np.concatenate(moved)).astype(np.int32)

    return Forest(
        roots=starts.astype(np.int32),
        column=np.where(leaf, -1, joined("feature")).astype(np.int16),
        threshold=np.where(leaf, 0, joined("threshold")).astype(np.float32),
        left=children("children_left"),
        right=children("children_right"),
        share=np.where(leaf, share, 0).astype(np.float32),
    )


def _numbers(ranges: str) -> set[int]:
    """`3-5 8` as numbers."""
    found: set[int] = set()
    for part in ranges.split():
        first, _, last = part.partition("-")
        found.update(range(int(first), int(last or first) + 1))
    return found


def main() -> int:
    """Trains and writes the forest; 0 when done, 2 when the pages are not there."""
    parser = argparse.ArgumentParser(description="Train the classifier of page lines.")
    parser.add_argument("--pages", type=Path, default=PAGES, help="pages as JSON lines")
    options = parser.parse_args()
    if not options.pages.is_file():
        sys.stderr.write(f"no pages at {options.pages}; name the file of pages with --pages\n")
        return 2
    pages = labelled(read_pages(options.pages))
    forest = grow(pages)
    forest.save(FOREST)
    sys.stdout.write(
        f"{len(pages)} pages, {len(forest.roots)} trees, {len(forest.column)} nodes,"
        f" {FOREST.stat().st_size:,} bytes in {FOREST.name}\n"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
