"""What the Italian model knows of a word besides its shape: piece vectors and name-list bits.

spaCy's own static vectors need a row per word. Here a word is cut into pieces of a unigram
vocabulary (Kudo 2018, the tokenizer of multilingual-e5-small) and its vector is the mean of its
pieces' vectors, so that a name never seen before still has a sensible one. The table is quantised
to int8 after training. Importing this module registers the architecture `babelwire.NewsEmbed.v1`
with spaCy, which `spacy.load` of a model trained by `ops.train.ner` needs.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import numpy as np
import srsly  # type: ignore[import-untyped]
from numpy.typing import NDArray
from spacy.attrs import intify_attr
from spacy.ml.featureextractor import FeatureExtractor
from spacy.tokens import Doc
from spacy.util import registry
from thinc.api import (
    HashEmbed,
    Maxout,
    Model,
    chain,
    concatenate,
    list2ragged,
    ragged2list,
    with_array,
)
from thinc.model import deserialize_attr, serialize_attr
from thinc.types import Floats2d, Ragged

Floats = NDArray[np.float32]

WORD_START = "\u2581"
CACHED_WORDS = 50_000
LIST_BITS = 4


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


def piece_vectors(width: int) -> Model[list[Doc], Ragged]:
    """A layer from documents to `width` numbers a token: its piece vector through a linear map.

    The attribute `table` is filled by training or from disk.
    """
    return Model(
        "piece_vectors",
        _vectors_forward,
        init=_vectors_init,
        attrs={"table": PieceTable()},
        params={"W": None},
        dims={"nO": width},
    )


def _vectors_init(
    model: Model[list[Doc], Ragged],
    X: Any = None,  # noqa: N803 - thinc passes them by these names
    Y: Any = None,  # noqa: N803
) -> Model[list[Doc], Ragged]:
    inputs = model.attrs["table"].width
    bound = np.sqrt(6 / (model.get_dim("nO") + inputs))
    shape = (model.get_dim("nO"), inputs)
    model.set_param("W", cast(Floats2d, np.random.uniform(-bound, bound, shape).astype("f4")))
    return model


def _vectors_forward(
    model: Model[list[Doc], Ragged], docs: list[Doc], is_train: bool
) -> tuple[Ragged, Callable[[Ragged], list[Doc]]]:
    table: PieceTable = model.attrs["table"]
    words = [token.text for doc in docs for token in doc]
    inputs = (
        np.stack([table.vector(word) for word in words])
        if words
        else np.zeros((0, table.width), dtype=np.float32)
    )
    vectors = model.ops.asarray2f(cast(Floats2d, inputs))
    lengths = model.ops.asarray1i([len(doc) for doc in docs])

    def backprop(gradient: Ragged) -> list[Doc]:
        model.inc_grad("W", model.ops.gemm(cast(Floats2d, gradient.dataXd), vectors, trans1=True))
        return []

    weights = cast(Floats2d, model.get_param("W"))
    return Ragged(model.ops.gemm(vectors, weights, trans2=True), lengths), backprop


def name_list_bits() -> Model[list[Doc], Ragged]:
    """A layer from documents to LIST_BITS zeros and ones a token; attribute `lists` is filled
    by training or from disk."""
    return Model("name_list_bits", _bits_forward, attrs={"lists": NameLists()})


def _bits_forward(
    model: Model[list[Doc], Ragged], docs: list[Doc], is_train: bool
) -> tuple[Ragged, Callable[[Ragged], list[Doc]]]:
    lists: NameLists = model.attrs["lists"]
    rows = [lists.row(token.text) for doc in docs for token in doc]
    data = np.stack(rows) if rows else np.zeros((0, LIST_BITS), dtype=np.float32)
    lengths = model.ops.asarray1i([len(doc) for doc in docs])
    return Ragged(model.ops.asarray2f(cast(Floats2d, data)), lengths), lambda _: []


@registry.architectures("babelwire.NewsEmbed.v1")  # type: ignore[untyped-decorator]
def news_embed(width: int, attrs: list[str], rows: list[int]) -> Model[list[Doc], Any]:
    """spaCy's MultiHashEmbed with piece vectors and name-list bits beside the hash embeddings.

    `attrs` are lexeme attributes, each with a hash table of as many `rows`; the output is `width`
    numbers a token.
    """
    hashes: list[Model[Any, Any]] = [
        HashEmbed(width, size, column=column, seed=column + 8, dropout=0.0)
        for column, size in enumerate(rows)
    ]
    numbers: list[int | str] = [intify_attr(attr) for attr in attrs]
    known_by_shape: Model[Any, Any] = chain(
        FeatureExtractor(numbers), list2ragged(), with_array(concatenate(*hashes))
    )
    together: Model[Any, Any] = concatenate(known_by_shape, piece_vectors(width), name_list_bits())
    inputs = width * (len(hashes) + 1) + LIST_BITS
    mixed: Model[Any, Any] = with_array(Maxout(width, inputs, nP=3, dropout=0.0, normalize=True))
    return chain(together, mixed, ragged2list())
