"""What the Italian model knows of a word besides its shape: piece vectors and name-list bits.

spaCy's own static vectors need a row per word. Here a word is cut into pieces of a unigram
vocabulary (Kudo 2018, the tokenizer of multilingual-e5-small) and its vector is the mean of its
pieces' vectors, so that a name never seen before still has a sensible one. The table is quantised
to int8 in training. `agents.tagging.committee` makes use of it.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import srsly  # type: ignore[import-untyped]
from numpy.typing import NDArray
from spacy.attrs import intify_attr
from spacy.tokens import Doc
from thinc.api import Model
from thinc.model import deserialize_attr, serialize_attr

Floats = NDArray[np.float32]

WORD_START = "\u2581"
CACHED_WORDS = 50_000
LIST_BITS = 6


class PieceTable:
    """Vectors of words as means of their pieces' vectors.

    `pieces` with their log probabilities `scores` (n) and vectors `rows` (n, width), any dtype;
    `scale` (width) brings quantised rows back to their range.
    """

    def __init__(
        self,
        pieces: Sequence[str] = (),
        scores: Iterable[float] = (),
        rows: NDArray[Any] | None = None,
        scale: Floats | None = None,
    ) -> None:
        self.pieces = list(pieces)
        self.scores = np.asarray(list(scores), dtype=np.float32)
        self.rows = np.zeros((0, 0), dtype=np.int8) if rows is None else rows
        self.scale = np.ones(self.rows.shape[1], dtype=np.float32) if scale is None else scale
        self._index = {piece: number for number, piece in enumerate(self.pieces)}
        self._longest = max(map(len, self.pieces), default=0)
        self._unknown = float(self.scores.min()) - 10 if len(self.scores) else 0.0
        self._cache: dict[str, Floats] = {}

    @property
    def width(self) -> int:
        """Length of a vector."""
        return int(self.rows.shape[1])

    def cut(self, word: str) -> list[int]:
        """The most probable pieces of `word`, as row numbers; unknown characters are left out."""
        text = WORD_START + word
        best = [0.0] + [-np.inf] * len(text)
        back = [(0, -1)] * (len(text) + 1)
        for start in range(len(text)):
            if best[start] == -np.inf:
                continue
            for end in range(start + 1, min(len(text), start + self._longest) + 1):
                piece = self._index.get(text[start:end])
                if piece is not None:
                    score = best[start] + float(self.scores[piece])
                    if score > best[end]:
                        best[end], back[end] = score, (start, piece)
            if best[start] + self._unknown > best[start + 1]:
                best[start + 1], back[start + 1] = best[start] + self._unknown, (start, -1)
        found = []
        at = len(text)
        while at > 0:
            at, piece = back[at]
            if piece >= 0:
                found.append(piece)
        return found[::-1]

    def vector(self, word: str) -> Floats:
        """The vector of `word`: mean of its pieces times sqrt(min(pieces, 3)); zeros for none."""
        known = self._cache.get(word)
        if known is not None:
            return known
        rows = self.cut(word[:64])
        if rows:
            mean = self.rows[rows].astype(np.float32).mean(axis=0) * self.scale
            made: Floats = (mean * np.sqrt(min(len(rows), 3))).astype(np.float32)
        else:
            made = np.zeros(self.width, dtype=np.float32)
        if len(self._cache) >= CACHED_WORDS:
            self._cache.clear()
        self._cache[word] = made
        return made

    def folded(self, weights: Floats) -> "PieceTable":
        """The same table multiplied by `weights` (out, width) and quantised to int8 by column."""
        rows = self.rows.astype(np.float32) * self.scale @ weights.T
        scale = np.maximum(np.abs(rows).max(axis=0), 1e-9) / 127
        return PieceTable(
            self.pieces, self.scores, np.rint(rows / scale).astype(np.int8), scale.astype("f4")
        )


class NameLists:
    """Which of the LIST_BITS name lists a word is in. `bits` maps a word to a bit mask."""

    def __init__(self, bits: dict[str, int] | None = None) -> None:
        self.bits = bits or {}
        self._rows = np.array(
            [[(mask >> bit) & 1 for bit in range(LIST_BITS)] for mask in range(1 << LIST_BITS)],
            dtype=np.float32,
        )

    def row(self, word: str) -> Floats:
        """The bits of `word` as floats; an all-caps word is looked up with its first capital."""
        mask = self.bits.get(word)
        if mask is None:
            mask = self.bits.get(word.capitalize(), 0) if word.isupper() and len(word) > 3 else 0
        row: Floats = self._rows[mask]
        return row


@serialize_attr.register(PieceTable)
def _piece_table_to_bytes(_: Any, value: PieceTable, name: str, model: Any) -> bytes:
    packed: bytes = srsly.msgpack_dumps(
        {
            "pieces": "\n".join(value.pieces),
            "scores": value.scores.astype(np.float16),
            "rows": value.rows,
            "scale": value.scale,
        }
    )
    return packed


@deserialize_attr.register(PieceTable)
def _piece_table_from_bytes(_: Any, value: bytes, name: str, model: Any) -> PieceTable:
    read = srsly.msgpack_loads(value)
    return PieceTable(read["pieces"].split("\n"), read["scores"], read["rows"], read["scale"])


@serialize_attr.register(NameLists)
def _name_lists_to_bytes(_: Any, value: NameLists, name: str, model: Any) -> bytes:
    by_mask: dict[int, list[str]] = {}
    for word in sorted(value.bits):
        by_mask.setdefault(value.bits[word], []).append(word)
    packed: bytes = srsly.msgpack_dumps(
        [[mask, "\n".join(words)] for mask, words in sorted(by_mask.items())]
    )
    return packed


@deserialize_attr.register(NameLists)
def _name_lists_from_bytes(_: Any, value: bytes, name: str, model: Any) -> NameLists:
    return NameLists(
        {word: mask for mask, words in srsly.msgpack_loads(value) for word in words.split("\n")}
    )


@dataclass(frozen=True)
class Words:
    """The words of some texts, one after the other: `keys` (words, attributes) to hash, piece
    `vectors` (words, width), `lists` (words, LIST_BITS) of zeros and
    ones; `lengths` of the texts."""

    keys: NDArray[np.uint64]
    vectors: Floats
    lists: Floats
    lengths: list[int]


def word_features(attrs: list[str]) -> Model[list[Doc], Words]:
    """A layer from documents to their words, of which `attrs` are the lexeme attributes to hash.

    The attributes `table` and `lists` of the layer are filled by training or from disk.
    """
    return Model(
        "word_features",
        _words_forward,
        attrs={
            "table": PieceTable(),
            "lists": NameLists(),
            "columns": [intify_attr(attr) for attr in attrs],
        },
    )


def _words_forward(
    model: Model[list[Doc], Words], docs: list[Doc], is_train: bool
) -> tuple[Words, Callable[[Words], list[Doc]]]:
    table: PieceTable = model.attrs["table"]
    lists: NameLists = model.attrs["lists"]
    words = [token.text for doc in docs for token in doc]
    columns: list[int | str] = model.attrs["columns"]
    keys: list[NDArray[Any]] = [np.zeros((0, len(columns)), dtype=np.uint64)]
    keys += [doc.to_array(columns).reshape(len(doc), len(columns)) for doc in docs]
    made = Words(
        np.concatenate(keys),
        _stacked([table.vector(word) for word in words], table.width),
        _stacked([lists.row(word) for word in words], LIST_BITS),
        [len(doc) for doc in docs],
    )
    return made, lambda _: []


def _stacked(rows: list[Floats], width: int) -> Floats:
    return np.stack(rows) if rows else np.zeros((0, width), dtype=np.float32)
