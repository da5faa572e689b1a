"""Tags of tokens in sequence: which may follow which, how probable each is, and the best path.

The mathematics of a linear-chain conditional random field (Lafferty, McCallum and Pereira 2001)
over BILOU tags (Ratinov and Roth 2009: begin, inside, last, outside, unit), for several models of
the same texts at once. Arrays of sequences are (tokens, models, texts, tags) throughout, shorter
texts padded at the end; `mask` (tokens, texts) says which tokens there are.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
Mask = NDArray[np.bool_]

TYPES: Final = ("PER", "LOC", "ORG")
OUTSIDE: Final = "O"
TAGS: Final = (OUTSIDE, *(f"{part}-{kind}" for kind in TYPES for part in "BILU"))
TINY: Final = 1e-300


def _may_follow(first: str, second: str) -> bool:
    if first[0] in "BI":
        return second[0] in "IL" and second[2:] == first[2:]
    return second[0] in "OBU"


LEGAL: Final = np.array([[_may_follow(a, b) for b in TAGS] for a in TAGS], dtype=np.float64)
OPENS: Final = np.array([tag[0] in "OBU" for tag in TAGS], dtype=np.float64)
CLOSES: Final = np.array([tag[0] in "OLU" for tag in TAGS], dtype=np.float64)


def padded(scores: Floats, lengths: Sequence[int]) -> tuple[Floats, Mask]:
    """Scores (models, all tokens, tags) of texts one after the other as (tokens, models, texts,
    tags), and the mask. There is at least one text, and none is empty."""
    longest, models = max(lengths), scores.shape[0]
    made = np.zeros((longest, models, len(lengths), scores.shape[2]))
    mask = np.zeros((longest, len(lengths)), dtype=np.bool_)
    at = 0
    for number, length in enumerate(lengths):
        made[:length, :, number] = scores[:, at : at + length].swapaxes(0, 1)
        mask[:length, number] = True
        at += length
    return made, mask


class Beliefs:
    """What each model believes of each token, given its scores and its `transitions` (models, tags,
    tags), by the forward-backward algorithm with every step scaled to a sum of one."""

    def __init__(self, scores: Floats, mask: Mask, transitions: Floats) -> None:
        self._mask = mask
        self._chain = np.exp(transitions.astype(np.float64)) * LEGAL
        self._seen = np.exp(scores - scores.max(axis=-1, keepdims=True))
        self._ahead = np.empty_like(self._seen)
        self._behind = np.empty_like(self._seen)
        self._ahead[0] = _scaled(self._seen[0] * OPENS)
        for t in range(1, len(mask)):
            step = _scaled((self._ahead[t - 1] @ self._chain) * self._seen[t])
            self._ahead[t] = np.where(mask[t][:, None], step, self._ahead[t - 1])
        backwards = self._chain.swapaxes(1, 2)
        self._behind[-1] = CLOSES
        for t in range(len(mask) - 1, 0, -1):
            step = _scaled((self._behind[t] * self._seen[t]) @ backwards)
            self._behind[t - 1] = np.where(mask[t][:, None], step, CLOSES)

    def tags(self) -> Floats:
        """The probability of each tag at each token."""
        return _scaled(self._ahead * self._behind)

    def transitions(self) -> Floats:
        """How often each tag follows each other one, summed over texts (models, tags, tags)."""
        left, right = self._ahead[:-1], self._behind[1:] * self._seen[1:]
        each = ((left @ self._chain) * right).sum(axis=-1, keepdims=True) + TINY
        left = left * self._mask[1:, None, :, None] / each
        counts: Floats = np.einsum("tmbi,tmbj->mij", left, right, optimize=True)
        return counts * self._chain


def _scaled(values: Floats) -> Floats:
    scaled: Floats = values / (values.sum(axis=-1, keepdims=True) + TINY)
    return scaled


def best_paths(beliefs: Floats, mask: Mask) -> list[list[int]]:
    """The legal sequence of tags of each text that has the greatest product of `beliefs` (tokens,
    texts, tags), by the Viterbi algorithm."""
    with np.errstate(divide="ignore"):
        legal, opens, closes = np.log(LEGAL), np.log(OPENS), np.log(CLOSES)
    scores = np.log(beliefs + TINY)
    texts = np.arange(mask.shape[1])
    stay = np.arange(len(TAGS))
    best = scores[0] + opens
    came = np.zeros(beliefs.shape, dtype=np.int64)
    for t in range(1, len(mask)):
        ways = best[:, :, None] + legal
        there = mask[t][:, None]
        came[t] = np.where(there, ways.argmax(axis=1), stay)
        best = np.where(there, ways.max(axis=1) + scores[t], best)
    path = np.zeros(mask.shape, dtype=np.int64)
    path[-1] = (best + closes).argmax(axis=1)
    for t in range(len(mask) - 1, 0, -1):
        path[t - 1] = came[t][texts, path[t]]
    return [path[: int(mask[:, text].sum()), text].tolist() for text in texts]


def names(tags: Sequence[int]) -> Iterator[tuple[int, int, str]]:
    """The names in a legal sequence of tags, as (first token, one past the last, type).

    >>> list(names([TAGS.index(tag) for tag in ("O", "U-LOC", "B-PER", "L-PER")]))
    [(1, 2, 'LOC'), (2, 4, 'PER')]
    """
    first = 0
    for number, tag in enumerate(tags):
        part, _, kind = TAGS[tag].partition("-")
        if part in "BU":
            first = number
        if part in "LU":
            yield first, number + 1, kind
