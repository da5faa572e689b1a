"""A forest of decision trees that was trained elsewhere: its file, and the asking of it.

The method is extremely randomized trees (Geurts, Ernst and Wehenkel, "Extremely randomized trees",
Machine Learning 63, 2006). `ops/train/furniture.py` grows it; asking needs numpy alone.
"""

from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from agents.normalization.features import NAMES, Numbers


@dataclass(frozen=True, slots=True)
class Forest:
    """All nodes of all trees in one row each.

    At a node a line goes `left` where its `column` is at most `threshold`, else `right`; a leaf has
    column -1 and in `share` the part of the training lines in it that were the article's. `roots`
    are the trees' first nodes.
    """

    roots: NDArray[np.int32]
    column: NDArray[np.int16]
    threshold: Numbers
    left: NDArray[np.int32]
    right: NDArray[np.int32]
    share: Numbers

    @classmethod
    def load(cls, path: "Path | Any") -> Self:
        """Reads what `save` wrote; raises ValueError where it was made for other features."""
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if tuple(stored["names"]) != NAMES:
                raise ValueError(
                    f"{path} was trained on other features; run `python -m ops.train.furniture`"
                )
            return cls(*(stored[name] for name in cls.__slots__))

    def save(self, path: Path) -> None:
        """Writes the forest and the names of its features."""
        parts = {name: getattr(self, name) for name in self.__slots__}
        np.savez_compressed(path, names=np.array(NAMES), **parts)

    def article_share(self, lines: Numbers) -> Numbers:
        """For each row of features the mean share over the trees, in 0..1."""
        total = np.zeros(len(lines), dtype=np.float64)
        rows = np.arange(len(lines))
        for root in self.roots:
            node = np.full(len(lines), root, dtype=np.int64)
            inner = rows
            while len(inner):
                at = node[inner]
                small = lines[inner, self.column[at]] <= self.threshold[at]
                node[inner] = np.where(small, self.left[at], self.right[at])
                inner = inner[self.column[node[inner]] >= 0]
            total += self.share[node]
        return (total / len(self.roots)).astype(np.float32)


@cache
def shipped() -> Forest:
    """The forest that comes with the package, read once a process."""
    return Forest.load(resources.files("agents.normalization").joinpath("data/segments.npz"))
